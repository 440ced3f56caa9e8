//! The statistics of an experiment: for each variant the number of users and the moments of their values. Definitions D85 to
//! D88, D96.
//!
//! A row is a user: their variant and value, with a second value for some purposes, see [`Purpose`]. Sums are exact
//! ([`crate::stats::exact`]), so a constant offset does not affect the variance, and parts merge to the same bytes in any
//! order. They are evaluated by [`crate::experiment::comparison`].
//!
//! The body of its bytes, after the frame of [`wire`](crate::base::wire): the purpose; the number of variants; then for each
//! variant, ordered by the bytes of the name: the name; the number of users; how many of them have no value; whether all
//! values are 0 or 1; the sum of the values and of their squares, see [`Exact::encode`]; for purposes with two values the
//! sums of the second ones, of their squares and of the products. If the values themselves are kept, they replace the sums,
//! in ascending order, 8 bytes each, little endian; if users have several, for each user, in the order of their lists, the
//! number of values and the values in ascending order.

pub mod comparison;

use crate::base::encoding;
use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};
use crate::base::state::State;
use crate::base::user_table::is_blank;
use crate::base::wire::{Kind, Reader, Writer};
use crate::function::Function;
use crate::stats::exact::{Exact, PRODUCT, Parts, SUM};
use std::cmp::Ordering;

/// The functions about experiments.
pub const FUNCTIONS: &[&[&Function]] = &[comparison::FUNCTIONS];

/// The version of the byte layout.
pub const VERSION: u8 = 1;

/// The most variants of an experiment. More than that means that another column, such as the user, was taken for the
/// variant.
pub const MOST_VARIANTS: usize = 1000;

/// The error for one variant too many.
pub fn too_many_variants(variant: &[u8]) -> Error {
    Error::Argument {
        name: "variant",
        given: encoding::decoded(variant).into_owned(),
        accepted: format!("what has at most {MOST_VARIANTS} values: the variant a user is in"),
    }
}

/// What is kept of each variant, and the meaning of the second value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// One value per user: comparison of means and of proportions.
    Mean = 0,
    /// A value, and a covariate observed before the experiment: the variance that it explains is removed from the comparison
    /// (CUPED). A user without the covariate has no value.
    Adjusted = 1,
    /// A numerator and a denominator: the value of a variant is the ratio of their sums.
    Ratio = 2,
    /// One value per user, all of them kept: comparison of ranks in addition to that of means.
    Sample = 3,
    /// Any number of values per user, such as one per request, all of them kept: comparison of quantiles over all values, in
    /// addition to that of their mean, which is a ratio.
    Lists = 4,
}

impl Purpose {
    fn from_number(number: u64) -> Result<Self> {
        match number {
            0 => Ok(Purpose::Mean),
            1 => Ok(Purpose::Adjusted),
            2 => Ok(Purpose::Ratio),
            3 => Ok(Purpose::Sample),
            4 => Ok(Purpose::Lists),
            _ => Err(Error::Corrupt { what: "an experiment of unknown purpose" }),
        }
    }

    /// The aggregate that builds such a value.
    pub fn made_by(self) -> &'static str {
        match self {
            Purpose::Mean => "experiment(variant, value)",
            Purpose::Adjusted => "experiment(variant, value, covariate)",
            Purpose::Ratio => "experiment_ratio",
            Purpose::Sample => "experiment_sample",
            Purpose::Lists => "experiment_lists",
        }
    }

    fn has_second(self) -> bool {
        matches!(self, Purpose::Adjusted | Purpose::Ratio | Purpose::Lists)
    }
}

/// The additional sums for a second value.
#[derive(Clone, Debug, Default, PartialEq)]
struct Second {
    sum: Exact<SUM>,
    squares: Exact<PRODUCT>,
    products: Exact<PRODUCT>,
}

/// The moments of the values of a variant, or of several variants together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// Users with a value.
    pub users: u64,
    /// Their mean.
    pub mean: f64,
    /// Their sample variance, with n - 1; `NaN` for fewer than two users.
    pub variance: f64,
    /// The mean of the second values.
    pub second_mean: f64,
    /// The variance of the second values.
    pub second_variance: f64,
    /// The covariance of both.
    pub covariance: f64,
}

/// One variant.
#[derive(Clone, Debug)]
pub struct Arm {
    name: Vec<u8>,
    users: u64,
    missing: u64,
    only_zero_or_one: bool,
    sum: Exact<SUM>,
    squares: Exact<PRODUCT>,
    /// One element if the purpose has a second value, otherwise none. A vector, so that its memory can be allocated
    /// fallibly.
    second: Vec<Second>,
    figures: Vec<f64>,
    /// If users have several values: the cumulative number of values up to each user, that user included.
    ends: Vec<usize>,
    sorted: bool,
}

impl Arm {
    fn new(name: Vec<u8>, second: Vec<Second>) -> Self {
        Arm {
            name,
            users: 0,
            missing: 0,
            only_zero_or_one: true,
            sum: Exact::default(),
            squares: Exact::default(),
            second,
            figures: Vec::new(),
            ends: Vec::new(),
            sorted: true,
        }
    }

    /// The variant.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Users in it, with a value or without.
    pub fn users(&self) -> u64 {
        self.users
    }

    /// Users without a value: NULL, or not finite.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Users with a value, and how many of them have 1, if every value is 0 or 1.
    pub fn successes(&self) -> Option<(u64, u64)> {
        let users = self.users - self.missing;
        self.only_zero_or_one.then(|| (users, (self.sum.value().max(0.0) as u64).min(users)))
    }

    /// The values in ascending order, if they are kept.
    pub fn figures(&self) -> &[f64] {
        &self.figures
    }

    /// The lists of values of its users, each in ascending order, if they are kept.
    pub fn lists(&self) -> impl Iterator<Item = &[f64]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.figures.get(start..*end).unwrap_or_default())
    }

    /// The moments of its values.
    pub fn moments(&self) -> Moments {
        let users = self.users - self.missing;
        let nobody = Second::default();
        let second = self.second.first().unwrap_or(&nobody);
        let count = users as f64;
        let (mean, second_mean) = (self.sum.value() / count, second.sum.value() / count);
        // Sums about the rounded mean; the rounding error is then corrected in small numbers.
        let about = |products: &Exact<PRODUCT>, (x, a): (&Exact<SUM>, f64), (y, b): (&Exact<SUM>, f64)| {
            if !a.is_finite() || !b.is_finite() {
                return f64::NAN;
            }
            let rest = x.less(users, a).value() * y.less(users, b).value() / count;
            (products.about(users, (x, a), (y, b)) - rest) / (count - 1.0)
        };
        if users < 2 {
            let (variance, second_variance, covariance) = (f64::NAN, f64::NAN, f64::NAN);
            return Moments { users, mean, variance, second_mean, second_variance, covariance };
        }
        let (first, other) = ((&self.sum, mean), (&second.sum, second_mean));
        // Not by max(), which would turn NaN, from values that are too large, into a number.
        let not_below_0 = |variance: f64| if variance < 0.0 { 0.0 } else { variance };
        Moments {
            users,
            mean,
            variance: not_below_0(about(&self.squares, first, first)),
            second_mean,
            second_variance: not_below_0(about(&second.squares, other, other)),
            covariance: about(&second.products, first, other),
        }
    }

    #[inline]
    fn take(&mut self, figure: f64, second: f64) {
        self.only_zero_or_one &= figure == 0.0 || figure == 1.0;
        let figure = Parts::of(figure);
        self.sum.add(figure);
        self.squares.add(figure, figure);
        if let Some(sums) = self.second.first_mut() {
            let second = Parts::of(second);
            sums.sum.add(second);
            sums.squares.add(second, second);
            sums.products.add(figure, second);
        }
    }

    /// Adds the sum and the number of a user's values.
    fn take_list(&mut self, start: usize, end: usize) {
        let list = self.figures.get(start..end).unwrap_or_default();
        if !list.is_empty() {
            let (sum, count) = (list.iter().sum::<f64>(), list.len() as f64);
            self.take(sum.clamp(f64::MIN, f64::MAX), count);
        }
    }

    fn count(&mut self, users: u64, missing: u64) -> Result<()> {
        let added = |ours: u64, theirs: u64| {
            ours.checked_add(theirs).ok_or(Error::Corrupt { what: "more users than can be counted" })
        };
        // Both or none, so that an error leaves a valid state.
        (self.users, self.missing) = (added(self.users, users)?, added(self.missing, missing)?);
        Ok(())
    }

    /// Adds the sums of another variant's values.
    fn add_sums(&mut self, other: &Arm) {
        self.only_zero_or_one &= other.only_zero_or_one;
        self.sum.merge(&other.sum);
        self.squares.merge(&other.squares);
        for (ours, theirs) in self.second.iter_mut().zip(&other.second) {
            ours.sum.merge(&theirs.sum);
            ours.squares.merge(&theirs.squares);
            ours.products.merge(&theirs.products);
        }
    }
}

fn sort(figures: &mut [f64]) {
    let mut compared = 0u32;
    figures.sort_unstable_by(|a, b| {
        compared = compared.wrapping_add(1);
        if compared.is_multiple_of(16 * memory::POLL_EVERY as u32) {
            memory::poll();
        }
        a.total_cmp(b)
    });
}

fn compared(one: &[f64], other: &[f64]) -> Ordering {
    one.iter().map(|figure| figure.to_bits()).cmp(other.iter().map(|figure| figure.to_bits()))
}

/// Appends the lists of an arm in their order.
fn encode_lists(arm: &Arm, out: &mut Writer) -> Result<()> {
    let (mut lists, mut claim) = (Vec::new(), Claim::temporary());
    claim.reserve(&mut lists, arm.ends.len())?;
    lists.extend(arm.lists());
    let mut steps = 0u32;
    lists.sort_unstable_by(|one, other| {
        steps = steps.wrapping_add(1);
        if steps.is_multiple_of(memory::POLL_EVERY as u32) {
            memory::poll();
        }
        compared(one, other)
    });
    for list in lists {
        out.uint(list.len() as u64)?;
        list.iter().try_for_each(|figure| out.raw(&figure.to_le_bytes()))?;
    }
    Ok(())
}

/// Reads the lists of the given number of users into an arm.
fn decode_lists(arm: &mut Arm, users: u64, body: &mut Reader<'_>, claim: &mut Claim) -> Result<()> {
    const WRONG: Error = Error::Corrupt { what: "lists are not in order" };
    let mut before = 0;
    for n in 0..users {
        if n % memory::POLL_EVERY as u64 == 0 {
            memory::poll();
        }
        let (start, len) = (arm.figures.len(), usize::try_from(body.uint()?).unwrap_or(usize::MAX));
        let figures = body.raw(len.saturating_mul(8))?.as_chunks::<8>().0;
        for figure in figures {
            claim.push(&mut arm.figures, f64::from_le_bytes(*figure))?;
        }
        let list = arm.figures.get(start..).unwrap_or_default();
        let rises = list.is_sorted_by(|a, b| a.total_cmp(b) != Ordering::Greater);
        let known = list.iter().all(|figure| figure.is_finite() && !(*figure == 0.0 && figure.is_sign_negative()));
        let follows = arm.figures.get(before..start).is_none_or(|last| compared(last, list) != Ordering::Greater);
        if list.is_empty() || !rises || !known || !follows {
            return Err(WRONG);
        }
        let end = arm.figures.len();
        claim.push(&mut arm.ends, end)?;
        arm.take_list(start, end);
        before = start;
    }
    Ok(())
}

/// The state: users by variant, ordered by the variants' names.
#[derive(Debug)]
pub struct Experiment {
    purpose: Purpose,
    arms: Vec<Arm>,
    claim: Claim,
}

impl Experiment {
    /// No users yet.
    pub fn new(purpose: Purpose) -> Self {
        Experiment { purpose, arms: Vec::new(), claim: Claim::new() }
    }

    /// What is kept of each variant.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The variants, ordered by the bytes of their names.
    pub fn arms(&self) -> &[Arm] {
        &self.arms
    }

    /// Adds a user. A row with a blank variant is ignored. A user whose value, covariate or denominator is missing or not
    /// finite is counted, without a value.
    #[inline]
    pub fn observe(&mut self, variant: &[u8], figure: Option<f64>, second: Option<f64>) -> Result<()> {
        let place = match self.find(variant) {
            Ok(place) => place,
            Err(_) if is_blank(variant) => return Ok(()),
            Err(place) => self.begin(place, variant)?,
        };
        let figure = figure.filter(|figure| figure.is_finite());
        let second = second.filter(|second| second.is_finite());
        let known = figure.filter(|_| !self.purpose.has_second() || second.is_some());
        let Some(arm) = self.arms.get_mut(place) else { return Ok(()) };
        match known {
            None => arm.count(1, 1),
            Some(figure) => {
                if self.purpose == Purpose::Sample {
                    // -0 becomes 0.
                    self.claim.push(&mut arm.figures, figure + 0.0)?;
                    arm.sorted = false;
                }
                arm.count(1, 0)?;
                arm.take(figure, second.unwrap_or(0.0));
                Ok(())
            }
        }
    }

    /// Adds a user without a value.
    pub fn observe_missing(&mut self, variant: &[u8]) -> Result<()> {
        match self.purpose {
            Purpose::Lists => self.observe_list(variant, std::iter::empty()),
            _ => self.observe(variant, None, None),
        }
    }

    /// Adds a user with a list of values, of which the finite ones count.
    pub fn observe_list(&mut self, variant: &[u8], list: impl Iterator<Item = f64>) -> Result<()> {
        let place = match self.find(variant) {
            Ok(place) => place,
            Err(_) if is_blank(variant) => return Ok(()),
            Err(place) => self.begin(place, variant)?,
        };
        let Some(arm) = self.arms.get_mut(place) else { return Ok(()) };
        let start = arm.figures.len();
        let added = list.filter(|figure| figure.is_finite()).try_for_each(|figure| {
            // -0 becomes 0.
            self.claim.push(&mut arm.figures, figure + 0.0)
        });
        let list = arm.figures.get_mut(start..).unwrap_or_default();
        sort(list);
        let end = start + list.len();
        // All values of a user or none, so that an error leaves a valid state.
        if let Err(refusal) =
            added.and_then(|()| if end > start { self.claim.push(&mut arm.ends, end) } else { Ok(()) })
        {
            arm.figures.truncate(start);
            return Err(refusal);
        }
        arm.count(1, u64::from(end == start))?;
        arm.take_list(start, end);
        Ok(())
    }

    #[inline]
    fn find(&self, variant: &[u8]) -> std::result::Result<usize, usize> {
        // A few variants are faster to scan than to search.
        for (place, arm) in self.arms.iter().enumerate().take(8) {
            match arm.name.as_slice().cmp(variant) {
                Ordering::Less => {}
                Ordering::Equal => return Ok(place),
                Ordering::Greater => return Err(place),
            }
        }
        self.arms.binary_search_by(|arm| arm.name.as_slice().cmp(variant))
    }

    #[cold]
    fn begin(&mut self, place: usize, variant: &[u8]) -> Result<usize> {
        if self.arms.len() >= MOST_VARIANTS {
            return Err(too_many_variants(variant));
        }
        if self.arms.len() == self.arms.capacity() {
            let more = self.arms.len().max(2);
            self.claim.reserve(&mut self.arms, more)?;
        }
        let (mut name, mut second) = (Vec::new(), Vec::new());
        self.claim.reserve(&mut name, variant.len())?;
        name.extend_from_slice(variant);
        if self.purpose.has_second() {
            self.claim.reserve(&mut second, 1)?;
            second.push(Second::default());
        }
        self.arms.insert(place, Arm::new(name, second));
        Ok(place)
    }

    /// All variants pooled into one without a name and without the single values.
    pub fn pooled(&self) -> Result<Arm> {
        // few: one
        let mut all = Arm::new(Vec::new(), self.purpose.has_second().then(Second::default).into_iter().collect());
        for arm in &self.arms {
            all.count(arm.users, arm.missing)?;
            all.add_sums(arm);
        }
        Ok(all)
    }
}

impl State for Experiment {
    fn empty(&self) -> Self {
        Experiment::new(self.purpose)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.purpose != other.purpose {
            let (ours, theirs) = (self.purpose.made_by().to_owned(), other.purpose.made_by().to_owned());
            return Err(Error::Mixed { what: "aggregates", ours, theirs });
        }
        for theirs in &other.arms {
            let place = match self.find(&theirs.name) {
                Ok(place) => place,
                Err(place) => self.begin(place, &theirs.name)?,
            };
            let Some(ours) = self.arms.get_mut(place) else { continue };
            if !theirs.figures.is_empty() {
                self.claim.reserve(&mut ours.figures, theirs.figures.len())?;
                self.claim.reserve(&mut ours.ends, theirs.ends.len())?;
            }
            ours.count(theirs.users, theirs.missing)?;
            ours.add_sums(theirs);
            ours.sorted &= theirs.figures.is_empty();
            let before = ours.figures.len();
            ours.figures.extend_from_slice(&theirs.figures);
            ours.ends.extend(theirs.ends.iter().map(|end| before + end));
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<()> {
        // Lists are sorted where they are written.
        for arm in self.arms.iter_mut().filter(|arm| !arm.sorted && arm.ends.is_empty()) {
            sort(&mut arm.figures);
            arm.sorted = true;
        }
        Ok(())
    }

    fn encode(&self) -> Result<Vec<u8>> {
        let mut out = Writer::new(Kind::Experiment, VERSION, 16)?;
        out.uint(self.purpose as u64)?;
        out.uint(self.arms.len() as u64)?;
        for arm in &self.arms {
            out.bytes(&arm.name)?;
            out.uint(arm.users)?;
            out.uint(arm.missing)?;
            if self.purpose == Purpose::Lists {
                encode_lists(arm, &mut out)?;
                continue;
            }
            if self.purpose == Purpose::Sample {
                let (mut copy, mut claim) = (Vec::new(), Claim::temporary());
                let sorted = match arm.sorted {
                    true => &arm.figures,
                    false => {
                        claim.reserve(&mut copy, arm.figures.len())?;
                        copy.extend_from_slice(&arm.figures);
                        sort(&mut copy);
                        &copy
                    }
                };
                sorted.iter().try_for_each(|figure| out.raw(&figure.to_le_bytes()))?;
                continue;
            }
            out.uint(u64::from(arm.only_zero_or_one))?;
            arm.sum.encode(&mut out)?;
            arm.squares.encode(&mut out)?;
            for second in &arm.second {
                second.sum.encode(&mut out)?;
                second.squares.encode(&mut out)?;
                second.products.encode(&mut out)?;
            }
        }
        Ok(out.finish())
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let corrupt = |what| Err(Error::Corrupt { what });
        let mut body = Reader::open(bytes, Kind::Experiment, VERSION)?;
        let mut experiment = Experiment::new(Purpose::from_number(body.uint()?)?);
        let variants = body.uint()?;
        if variants > MOST_VARIANTS as u64 {
            return corrupt("more variants than an experiment can have");
        }
        for n in 0..variants {
            if n.is_multiple_of(64) {
                memory::poll();
            }
            let name = body.bytes()?;
            if is_blank(name) || experiment.arms.last().is_some_and(|last| last.name.as_slice() >= name) {
                return corrupt("variants are not in order");
            }
            let place = experiment.begin(experiment.arms.len(), name)?;
            let Some(arm) = experiment.arms.get_mut(place) else { continue };
            (arm.users, arm.missing) = (body.uint()?, body.uint()?);
            let Some(known) = arm.users.checked_sub(arm.missing) else {
                return corrupt("more users without a figure than users");
            };
            if experiment.purpose == Purpose::Lists {
                decode_lists(arm, known, &mut body, &mut experiment.claim)?;
                continue;
            }
            if experiment.purpose == Purpose::Sample {
                let len = usize::try_from(known).ok().and_then(|known| known.checked_mul(8)).unwrap_or(usize::MAX);
                let figures = body.raw(len)?.as_chunks::<8>().0;
                experiment.claim.reserve(&mut arm.figures, figures.len())?;
                for (n, figure) in figures.iter().enumerate() {
                    if n % memory::POLL_EVERY == memory::POLL_EVERY - 1 {
                        memory::poll();
                    }
                    let figure = f64::from_le_bytes(*figure);
                    let in_order = arm.figures.last().is_none_or(|last| last.total_cmp(&figure) != Ordering::Greater);
                    if !figure.is_finite() || !in_order || (figure == 0.0 && figure.is_sign_negative()) {
                        return corrupt("figures are not in order");
                    }
                    arm.figures.push(figure);
                    arm.take(figure, 0.0);
                }
                continue;
            }
            arm.only_zero_or_one = match body.uint()? {
                0 => false,
                1 => true,
                _ => return corrupt("neither with nor without other figures than 0 and 1"),
            };
            arm.sum = Exact::decode(&mut body)?;
            arm.squares = Exact::decode(&mut body)?;
            for second in &mut arm.second {
                second.sum = Exact::decode(&mut body)?;
                second.squares = Exact::decode(&mut body)?;
                second.products = Exact::decode(&mut body)?;
            }
        }
        body.finish()?;
        Ok(experiment)
    }
}
