//! One call of a function: its arguments and its input.

use super::{BY_VALUE_FIRST, BY_VALUES, Clock, Function, Role, STEP, hides};
use crate::base::calendar::{Calendar, DAY_MICROS, Grain, LocalDays, Micros, Segment, Span, Window, observed_until};
use crate::base::days::Day;
use crate::base::encoding;
use crate::base::error::{Error, Result};
use crate::base::memory::Claim;
use crate::base::user_table::UserKey;
use crate::history::{Fold, History, Id, Ids, Timeline};
use std::borrow::Cow;

/// The value of an argument.
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
    /// A relation by its oid; only the query uses it.
    Relation(u32),
}

/// An interval in PostgreSQL's form.
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
    /// Its length, if that does not depend on the start, as with days, hours and less. A day is 24 hours.
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

/// Which of a user's values of `by` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByValue {
    /// Each request counts in the segment of its own value.
    Each,
    /// The user belongs to the first.
    First,
    /// The user belongs to the last.
    Last,
}

/// Values provided by the surrounding process.
#[derive(Clone)]
pub struct Environment<'a> {
    /// The start of the statement.
    pub now: Micros,
    /// The first day of the week: 0 is Monday … 6 is Sunday.
    pub week_start: u8,
    /// The first month of the year: 0 is January … 11 is December.
    pub year_start: u8,
    /// The fewest users of a group whose values are shown.
    pub min_group_size: u64,
    /// The number of parts in which users are folded and merged: 1, or more to test that the result is the same and that
    /// sums can be subtracted.
    pub parts: u64,
    /// The longest pause within a session of requests without an id, in microseconds.
    pub session_gap: Micros,
    /// The default time zone.
    pub timezone: String,
    /// The range around an instant over which a zone keeps its offset.
    pub segment: &'a dyn Fn(&str, Micros) -> Result<Segment>,
    /// The text of a jsonb, from its stored bytes.
    pub json: &'a dyn Fn(&[u8]) -> Result<Vec<u8>>,
}

/// One call of a function.
pub struct Call<'a> {
    /// The function.
    pub function: &'static Function,
    /// The values it reads; `None` for NULL.
    pub values: Vec<Option<&'a [u8]>>,
    /// The requests it folds; `None` if there are none.
    pub history: Option<&'a History>,
    /// The excluded users, ascending.
    pub left_out: &'a [UserKey],
    /// Whether the requests have the segments of `by`.
    pub by: bool,
    /// Its own arguments, `None` for NULL.
    pub arguments: Vec<Option<Given<'a>>>,
    /// The first instant shown.
    pub since: Option<Micros>,
    /// The end of the range shown, exclusive.
    pub until: Option<Micros>,
    /// The end of observation.
    pub as_of: Option<Micros>,
    /// The time zone of days, if the value does not contain it.
    pub timezone: Option<&'a str>,
    /// The environment.
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

    /// A text argument; `None` if it is NULL.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        if let Some(Given::Text(text)) = self.argument(name) { Some(text) } else { None }
    }

    /// An integer argument; `None` if it is NULL.
    pub fn integer(&self, name: &str) -> Option<i32> {
        if let Some(Given::Integer(number)) = self.argument(name) { Some(*number) } else { None }
    }

    /// A bigint argument; `None` if it is NULL.
    pub fn bigint(&self, name: &str) -> Option<i64> {
        if let Some(Given::Bigint(number)) = self.argument(name) { Some(*number) } else { None }
    }

    /// A boolean argument; `None` if it is NULL.
    pub fn boolean(&self, name: &str) -> Option<bool> {
        if let Some(Given::Boolean(value)) = self.argument(name) { Some(*value) } else { None }
    }

    /// A double argument; `None` if it is NULL.
    pub fn double(&self, name: &str) -> Option<f64> {
        if let Some(Given::Double(number)) = self.argument(name) { Some(*number) } else { None }
    }

    /// A date argument; `None` if it is NULL.
    pub fn date(&self, name: &str) -> Option<Day> {
        if let Some(Given::Date(day)) = self.argument(name) { Some(*day) } else { None }
    }

    /// The length of an interval argument, or an error if it has no fixed length; `None` if it is NULL.
    pub fn length(&self, name: &'static str) -> Result<Option<Micros>> {
        self.interval(name).map(|interval| interval.length(name)).transpose()
    }

    /// An interval argument; `None` if it is NULL.
    pub(super) fn interval(&self, name: &str) -> Option<Interval> {
        if let Some(Given::Interval(interval)) = self.argument(name) { Some(*interval) } else { None }
    }

    /// A list of doubles; `None` if it is NULL.
    pub fn doubles(&self, name: &str) -> Option<&[Option<f64>]> {
        if let Some(Given::Doubles(list)) = self.argument(name) { Some(list) } else { None }
    }

    /// A list of integers; `None` if it is NULL.
    pub fn integers(&self, name: &str) -> Option<&[Option<i32>]> {
        if let Some(Given::Integers(list)) = self.argument(name) { Some(list) } else { None }
    }

    /// A list of texts; `None` if it is NULL. A NULL element is as invalid as an empty one, and returned as such.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        match self.argument(name) {
            // few: texts of an argument
            Some(Given::Texts(list)) => Some(list.iter().map(|text| text.clone().unwrap_or_default()).collect()),
            _ => None,
        }
    }

    /// A list of texts whose elements may be NULL; `None` if the list is NULL.
    pub fn texts_and_nulls(&self, name: &str) -> Option<&[Option<String>]> {
        if let Some(Given::Texts(list)) = self.argument(name) { Some(list) } else { None }
    }

    /// JSON as text; `None` if it is NULL.
    pub fn json(&self, name: &str) -> Option<&str> {
        if let Some(Given::Json(json)) = self.argument(name) { Some(json) } else { None }
    }

    /// The value of a required argument, or an error if it is NULL.
    pub fn required<T>(&self, name: &'static str, given: Option<T>, accepted: &'static str) -> Result<T> {
        given.ok_or(Error::Null { name, accepted })
    }

    /// The periods of a grain, which begin as the settings say.
    pub fn calendar_of(&self, grain: Grain) -> Calendar {
        let Environment { week_start, year_start, .. } = self.environment;
        Calendar { grain, week_start, year_start }
    }

    /// The periods given by an argument, with the week start of the settings.
    pub fn calendar(&self, name: &'static str, default: &str) -> Result<Calendar> {
        let grain = Grain::parse(name, self.text(name).unwrap_or(default))?;
        Ok(self.calendar_of(grain))
    }

    /// The periods given by an argument, if it is not NULL.
    pub fn periods(&self, name: &'static str) -> Result<Option<Calendar>> {
        self.text(name).map(|_| self.calendar(name, "day")).transpose()
    }

    /// The value with the given index, opened; `None` for NULL.
    pub fn value<T>(&self, n: usize, open: impl FnOnce(&'a [u8]) -> Result<T>) -> Result<Option<T>> {
        self.values.get(n).copied().flatten().map(open).transpose()
    }

    /// The column with the given name, if the log has it.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.history?.column(name)
    }

    /// The text of a code in a text column; `None` for no text.
    pub fn text_of(&self, column: Option<usize>, code: u32) -> Option<&'a [u8]> {
        self.history?.dictionary(column?).text(code)
    }

    /// The most recent text of a column, of several at the same instant the greatest by its bytes; as its code.
    pub fn told_last(&self, column: Option<usize>, told: impl Iterator<Item = (u32, Micros)>) -> u32 {
        let later = |(a, a_at): &(u32, Micros), (b, b_at): &(u32, Micros)| {
            a_at.cmp(b_at).then_with(|| self.text_of(column, *a).cmp(&self.text_of(column, *b)))
        };
        told.filter(|(code, _)| *code != 0).max_by(later).map_or(0, |(code, _)| code)
    }

    /// The key of a user whose id is given as text; `None` if it is not an id of the log's type.
    pub fn user_key(&self, id: &str) -> Option<UserKey> {
        self.history?.kind().key(&encoding::encoded(id).ok()?)
    }

    /// A kept id as shown in rows.
    pub fn shown<'i>(&self, ids: &'i Ids, id: &Id) -> Cow<'i, [u8]> {
        self.history.map_or(Cow::Borrowed(ids.text(id)), |history| ids.shown(id, history.kind()))
    }

    /// A user id as shown in rows: the name, if the history keeps it.
    pub fn user_id<'n>(&self, user: UserKey, name: Option<&'n [u8]>) -> Cow<'n, [u8]> {
        let written = self.history.and_then(|history| user.written(history.kind()));
        written.map_or(Cow::Borrowed(name.unwrap_or_default()), |id| Cow::Owned(id.into_bytes()))
    }

    /// Which of a user's values of `by` counts. A function without such an argument counts each request.
    pub fn by_value(&self) -> Result<ByValue> {
        let name = BY_VALUE_FIRST.name;
        let declared = self.function.arguments.iter().find(|argument| argument.name == name);
        let Some(declared) = declared else { return Ok(ByValue::Each) };
        let given = self.text(name).unwrap_or(declared.default.trim_matches('\''));
        // The function knows its steps.
        if matches!(declared.role, Role::ByStep) && given.starts_with(STEP) {
            return Ok(ByValue::Each);
        }
        let place = BY_VALUES.iter().position(|word| word.eq_ignore_ascii_case(given));
        let place = place.ok_or_else(|| Error::not_one_of(name, given, &BY_VALUES))?;
        Ok([ByValue::Each, ByValue::First, ByValue::Last][place])
    }

    /// The same call over a value that was built of the log.
    pub(crate) fn over<'v>(&'v self, value: Option<&'v [u8]>) -> Call<'v> {
        Call {
            function: self.function,
            values: vec![value],
            history: None,
            left_out: &[],
            by: self.by,
            arguments: self.arguments.clone(), // few: arguments
            since: self.since,
            until: self.until,
            as_of: self.as_of,
            timezone: self.timezone,
            environment: self.environment.clone(), // few: settings
        }
    }

    /// Visits every user except excluded ones, with the requests of some columns. If a user belongs to one segment, all of
    /// their requests have it.
    pub fn each_user(
        &self,
        columns: &[Option<usize>],
        mut visit: impl FnMut(&Timeline<'_>) -> Result<()>,
    ) -> Result<()> {
        let by_value = self.by_value()?;
        let Some(history) = self.history else { return Ok(()) };
        // few: columns of a function
        let wanted = columns.iter().copied().flatten().collect::<Vec<_>>();
        let segment = self.column("segment").filter(|segment| wanted.contains(segment));
        let Some(segment) = segment.filter(|_| by_value != ByValue::Each) else {
            return history.each(&wanted, self.left_out, &mut visit);
        };
        let (mut codes, mut claim) = (Vec::new(), Claim::temporary());
        history.each(&wanted, self.left_out, &mut |user| {
            let code = self.segment_of(user, segment, by_value);
            codes.clear();
            claim.reserve(&mut codes, user.at.len())?;
            codes.resize(user.at.len(), code);
            visit(&user.with_codes(segment, &codes))
        })
    }

    /// The first or the last value of a user, of several at the same instant the greatest by its bytes; as its code, 0 if
    /// there is none.
    fn segment_of(&self, user: &Timeline<'_>, segment: usize, by_value: ByValue) -> u32 {
        let codes = user.codes(Some(segment)).unwrap_or_default();
        let is_told = |&row: &usize| codes[row] != 0;
        let mut rows = 0..codes.len();
        let row = if by_value == ByValue::First { rows.find(is_told) } else { rows.rfind(is_told) };
        let Some(at) = row.map(|row| user.at[row]) else { return 0 };
        let together = user.at.partition_point(|&other| other < at)..user.at.partition_point(|&other| other <= at);
        let told = codes[together].iter().copied().filter(|&code| code != 0);
        told.max_by(|a, b| self.text_of(Some(segment), *a).cmp(&self.text_of(Some(segment), *b))).unwrap_or(0)
    }

    /// Folds every user except excluded ones, with the requests of some columns.
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
        // As a test, some users are added to a sum twice and subtracted once.
        if make()?.subtract(make()?)? {
            whole.merge(of_part(0)?)?;
            whole.subtract(of_part(0)?)?;
        }
        Ok(whole)
    }

    /// The end of observation, given the last request in the history.
    pub fn end(&self) -> Micros {
        let last_at = self.history.and_then(History::last_at);
        observed_until(self.until, self.as_of, last_at, self.environment.now)
    }

    /// The end of observation of a function that [follows](Function::follows) what began before `until`.
    pub fn end_of_following(&self, last_at: Option<Micros>) -> Micros {
        observed_until(None, self.as_of, last_at, self.environment.now)
    }

    /// The local clock of the call's time zone, or an error for an invalid zone.
    pub fn clock(&self) -> Result<Clock<'_>> {
        let zone = self.zone();
        (self.environment.segment)(zone, 0)?;
        Ok(Clock::new(zone, self.environment.segment))
    }

    /// The call's time zone.
    pub fn zone(&self) -> &str {
        self.timezone.unwrap_or(&self.environment.timezone)
    }

    /// An error for an argument.
    pub fn refuse<T>(&self, name: &'static str, given: impl ToString, accepted: &str) -> Result<T> {
        Err(Error::Argument { name, given: given.to_string(), accepted: accepted.to_owned() })
    }

    /// The observed range as instants, for a value whose last request is at `last_at`.
    pub fn span(&self, last_at: Option<Micros>) -> Span {
        let end = observed_until(self.until, self.as_of, last_at, self.environment.now);
        Span { since: self.since, until: self.until, end }
    }

    /// The local days of the call's time zone, or an error for an invalid zone.
    pub fn days(&self) -> Result<impl FnMut(Micros) -> Result<Day> + '_> {
        let zone = self.zone();
        (self.environment.segment)(zone, 0)?;
        let mut days = LocalDays::default();
        Ok(move |at| days.day(at, |at| (self.environment.segment)(zone, at)))
    }

    /// The observed range as local days of a zone, for a value whose last request is at `last_at`.
    pub fn window(&self, zone: &str, last_at: Option<Micros>) -> Result<Window> {
        let mut days = LocalDays::default();
        let day = |at: Micros| days.day(at, |at| (self.environment.segment)(zone, at));
        Window::observed((self.since, self.until, self.as_of), last_at, self.environment.now, day)
    }

    /// Whether a group of that many users must be hidden.
    pub fn hides(&self, users: u64) -> bool {
        hides(users, self.environment.min_group_size)
    }
}
