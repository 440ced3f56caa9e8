//! One call of a function: what it is given, and what it reads.

use super::{Clock, Function, hides};
use crate::base::calendar::{Calendar, DAY_MICROS, Grain, LocalDays, Micros, Segment, Span, Window, observed_until};
use crate::base::days::Day;
use crate::base::error::{Error, Result};
use crate::base::user_table::UserKey;
use crate::history::{Fold, History, Id, Ids, Timeline};
use std::borrow::Cow;

/// An argument as it was given.
#[derive(Clone, Debug, PartialEq)]
pub enum Given<'a> {
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i32),
    /// A bigint.
    Bigint(i64),
    /// A double.
    Double(f64),
    /// A text.
    Text(&'a str),
    /// A date.
    Date(Day),
    /// An interval.
    Interval(Interval),
    /// A list of doubles.
    Doubles(Vec<Option<f64>>),
    /// A list of integers.
    Integers(Vec<Option<i32>>),
    /// A list of texts.
    Texts(Vec<Option<String>>),
    /// JSON as text.
    Json(String),
    /// A relation by its oid; only the query looks at it.
    Relation(u32),
}

/// An interval as PostgreSQL has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Its months.
    pub months: i32,
    /// Its days.
    pub days: i32,
    /// The rest of it, in microseconds.
    pub micros: i64,
}

impl Interval {
    /// Its length, which is the same whenever it begins: of days, hours and less. A day is 24 hours.
    pub fn length(self, name: &'static str) -> Result<Micros> {
        let Interval { months, days, micros } = self;
        let length = i64::from(days).checked_mul(DAY_MICROS).and_then(|days| days.checked_add(micros));
        length.filter(|length| months == 0 && *length >= 0).ok_or_else(|| Error::Argument {
            name,
            given: format!("{months} months, {days} days and {} seconds", micros as f64 / 1e6),
            accepted: "an interval of days, hours, minutes or seconds that is not negative, such as '30 minutes'"
                .to_owned(),
        })
    }
}

/// What the surrounding process knows and core does not.
pub struct Environment<'a> {
    /// When the statement began.
    pub now: Micros,
    /// The day weeks start with: 0 is Monday … 6 is Sunday.
    pub week_start: u8,
    /// The fewest users whose values may be shown.
    pub min_group_size: u64,
    /// In how many parts users are folded and merged: 1, or more to see that it makes no difference, and that sums forget.
    pub parts: u64,
    /// The longest pause within a session of requests without an id, in microseconds.
    pub session_gap: Micros,
    /// The time zone for a caller who names none.
    pub timezone: String,
    /// The stretch around an instant over which a zone keeps its offset.
    pub segment: &'a dyn Fn(&str, Micros) -> Result<Segment>,
    /// A jsonb as it is written, of the bytes as it is stored.
    pub json: &'a dyn Fn(&[u8]) -> Result<Vec<u8>>,
}

/// One call of a function.
pub struct Call<'a> {
    /// Which function.
    pub function: &'static Function,
    /// The values it reads; `None` for NULL.
    pub values: Vec<Option<&'a [u8]>>,
    /// The requests it folds; `None` for none at all.
    pub history: Option<&'a History>,
    /// The users who may not be counted, ascending.
    pub left_out: Vec<UserKey>,
    /// Whether the requests bear the segments of `by`.
    pub by: bool,
    /// Its own arguments, `None` for NULL.
    pub arguments: Vec<Option<Given<'a>>>,
    /// The first instant shown.
    pub since: Option<Micros>,
    /// The first instant shown no more.
    pub until: Option<Micros>,
    /// Where observation ends.
    pub as_of: Option<Micros>,
    /// The time zone of days, where the value does not know it.
    pub timezone: Option<&'a str>,
    /// What the surrounding process knows.
    pub environment: Environment<'a>,
}

impl<'a> Call<'a> {
    fn argument(&self, name: &str) -> Option<&Given<'a>> {
        let at = self.function.arguments.iter().position(|argument| argument.name == name)?;
        self.arguments.get(at)?.as_ref()
    }

    /// Whether an argument is not NULL.
    pub fn is_given(&self, name: &str) -> bool {
        self.argument(name).is_some()
    }

    /// A text argument; `None` where it is NULL.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        if let Some(Given::Text(text)) = self.argument(name) { Some(text) } else { None }
    }

    /// An integer argument; `None` where it is NULL.
    pub fn integer(&self, name: &str) -> Option<i32> {
        if let Some(Given::Integer(number)) = self.argument(name) { Some(*number) } else { None }
    }

    /// A bigint argument; `None` where it is NULL.
    pub fn bigint(&self, name: &str) -> Option<i64> {
        if let Some(Given::Bigint(number)) = self.argument(name) { Some(*number) } else { None }
    }

    /// A boolean argument; `None` where it is NULL.
    pub fn boolean(&self, name: &str) -> Option<bool> {
        if let Some(Given::Boolean(value)) = self.argument(name) { Some(*value) } else { None }
    }

    /// A double argument; `None` where it is NULL.
    pub fn double(&self, name: &str) -> Option<f64> {
        if let Some(Given::Double(number)) = self.argument(name) { Some(*number) } else { None }
    }

    /// A date argument; `None` where it is NULL.
    pub fn date(&self, name: &str) -> Option<Day> {
        if let Some(Given::Date(day)) = self.argument(name) { Some(*day) } else { None }
    }

    /// The length of an interval argument, or a refusal of one that has none; `None` where it is NULL.
    pub fn length(&self, name: &'static str) -> Result<Option<Micros>> {
        let Some(Given::Interval(interval)) = self.argument(name) else { return Ok(None) };
        interval.length(name).map(Some)
    }

    /// A list of doubles; `None` where it is NULL.
    pub fn doubles(&self, name: &str) -> Option<&[Option<f64>]> {
        if let Some(Given::Doubles(list)) = self.argument(name) { Some(list) } else { None }
    }

    /// A list of integers; `None` where it is NULL.
    pub fn integers(&self, name: &str) -> Option<&[Option<i32>]> {
        if let Some(Given::Integers(list)) = self.argument(name) { Some(list) } else { None }
    }

    /// A list of texts; `None` where it is NULL. A text that is NULL is as wrong as an empty one, and is given as that.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        match self.argument(name) {
            // few: texts of an argument
            Some(Given::Texts(list)) => Some(list.iter().map(|text| text.clone().unwrap_or_default()).collect()),
            _ => None,
        }
    }

    /// A list of texts of which each may be NULL; `None` where the list is.
    pub fn texts_and_nulls(&self, name: &str) -> Option<&[Option<String>]> {
        if let Some(Given::Texts(list)) = self.argument(name) { Some(list) } else { None }
    }

    /// JSON as text; `None` where it is NULL.
    pub fn json(&self, name: &str) -> Option<&str> {
        if let Some(Given::Json(json)) = self.argument(name) { Some(json) } else { None }
    }

    /// An argument that must not be NULL, or the refusal that says so.
    pub fn required<T>(&self, name: &'static str, given: Option<T>, accepted: &'static str) -> Result<T> {
        given.ok_or(Error::Null { name, accepted })
    }

    /// The periods that an argument names, weeks beginning as set.
    pub fn calendar(&self, name: &'static str, default: &str) -> Result<Calendar> {
        let grain = Grain::parse(name, self.text(name).unwrap_or(default))?;
        Ok(Calendar { grain, week_start: self.environment.week_start })
    }

    /// The periods that an argument names, if it does.
    pub fn periods(&self, name: &'static str) -> Result<Option<Calendar>> {
        self.text(name).map(|_| self.calendar(name, "day")).transpose()
    }

    /// The value it reads, by number, as opened; `None` for NULL.
    pub fn value<T>(&self, n: usize, open: impl FnOnce(&'a [u8]) -> Result<T>) -> Result<Option<T>> {
        self.values.get(n).copied().flatten().map(open).transpose()
    }

    /// The column of a name, if the log has it.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.history?.column(name)
    }

    /// The text of a code in a column of texts; `None` for no text.
    pub fn text_of(&self, column: Option<usize>, code: u32) -> Option<&'a [u8]> {
        self.history?.dictionary(column?).text(code)
    }

    /// The text of a column told last, of several told at the same instant the greatest by its bytes; as its code.
    pub fn told_last(&self, column: Option<usize>, told: impl Iterator<Item = (u32, Micros)>) -> u32 {
        let later = |(a, a_at): &(u32, Micros), (b, b_at): &(u32, Micros)| {
            a_at.cmp(b_at).then_with(|| self.text_of(column, *a).cmp(&self.text_of(column, *b)))
        };
        told.filter(|(code, _)| *code != 0).max_by(later).map_or(0, |(code, _)| code)
    }

    /// The key of a user whose id is given as text; `None` for what is no id of the log's type.
    pub fn user_key(&self, id: &str) -> Option<UserKey> {
        self.history?.kind().key(id.as_bytes())
    }

    /// An id that was kept, as rows show it.
    pub fn shown<'i>(&self, ids: &'i Ids, id: &Id) -> Cow<'i, [u8]> {
        self.history.map_or(Cow::Borrowed(ids.text(id)), |history| ids.shown(id, history.kind()))
    }

    /// A user's id as rows show it: the name, where the history keeps it.
    pub fn user_id<'n>(&self, user: UserKey, name: Option<&'n [u8]>) -> Cow<'n, [u8]> {
        let written = self.history.and_then(|history| user.written(history.kind()));
        written.map_or(Cow::Borrowed(name.unwrap_or_default()), |id| Cow::Owned(id.into_bytes()))
    }

    /// Visits every user who may be counted, with the requests of some columns.
    pub fn each_user(
        &self,
        columns: &[Option<usize>],
        mut visit: impl FnMut(&Timeline<'_>) -> Result<()>,
    ) -> Result<()> {
        let Some(history) = self.history else { return Ok(()) };
        // few: columns of a function
        let wanted = columns.iter().copied().flatten().collect::<Vec<_>>();
        history.each(&wanted, &self.left_out, &mut visit)
    }

    /// Folds every user who may be counted, with the requests of some columns.
    pub fn fold<F: Fold>(&self, columns: &[Option<usize>], make: impl Fn() -> Result<F>) -> Result<F> {
        let (mut whole, parts) = (make()?, self.environment.parts);
        if parts <= 1 {
            self.each_user(columns, |user| whole.observe(user))?;
            return Ok(whole);
        }
        let of_part = |part: u64| {
            let mut one = make()?;
            self.each_user(columns, |user| if user.user.hash() % parts == part { one.observe(user) } else { Ok(()) })?;
            Ok(one)
        };
        for part in 0..parts {
            whole.merge(of_part(part)?)?;
        }
        // A sum sees some users twice and forgets them once.
        if make()?.subtract(make()?)? {
            whole.merge(of_part(0)?)?;
            whole.subtract(of_part(0)?)?;
        }
        Ok(whole)
    }

    /// Where observation ends, for a log whose last request was made when the history saw it.
    pub fn end(&self) -> Micros {
        let last_at = self.history.and_then(History::last_at);
        observed_until(self.until, self.as_of, last_at, self.environment.now)
    }

    /// The local clock of the time zone it is called with, or a refusal of the zone.
    pub fn clock(&self) -> Result<Clock<'_>> {
        let zone = self.zone();
        (self.environment.segment)(zone, 0)?;
        Ok(Clock::new(zone, self.environment.segment))
    }

    /// The time zone it is called with.
    pub fn zone(&self) -> &str {
        self.timezone.unwrap_or(&self.environment.timezone)
    }

    /// A refusal of an argument.
    pub fn refuse<T>(&self, name: &'static str, given: impl ToString, accepted: &str) -> Result<T> {
        Err(Error::Argument { name, given: given.to_string(), accepted: accepted.to_owned() })
    }

    /// The observed range as instants, for a value whose last request was made at `last_at`.
    pub fn span(&self, last_at: Option<Micros>) -> Span {
        let end = observed_until(self.until, self.as_of, last_at, self.environment.now);
        Span { since: self.since, until: self.until, end }
    }

    /// The local days of the time zone it is called with, or a refusal of the zone.
    pub fn days(&self) -> Result<impl FnMut(Micros) -> Result<Day> + '_> {
        let zone = self.zone();
        (self.environment.segment)(zone, 0)?;
        let mut days = LocalDays::default();
        Ok(move |at| days.day(at, |at| (self.environment.segment)(zone, at)))
    }

    /// The observed range as local days of a zone, for a value whose last request was made at `last_at`.
    pub fn window(&self, zone: &str, last_at: Option<Micros>) -> Result<Window> {
        let mut days = LocalDays::default();
        let day = |at: Micros| days.day(at, |at| (self.environment.segment)(zone, at));
        Window::observed((self.since, self.until, self.as_of), last_at, self.environment.now, day)
    }

    /// Whether a group of so many users must not be shown.
    pub fn hides(&self, users: u64) -> bool {
        hides(users, self.environment.min_group_size)
    }
}
