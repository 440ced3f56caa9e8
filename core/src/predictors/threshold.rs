//! Activation threshold: the number of requests, within a number of first days, that best separates retained users from
//! others, such as "5 requests in the first 3 days". Definition D60.
//!
//! All pairs of days and counts are tried, and the best of many looks better than it is. So it is chosen by one half of the
//! users, and its estimates come from the other half. Users are divided by a hash of their key and the caller's seed. The
//! stability of the choice is shown by repeating it in bootstrap samples of the first half.

use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};
use crate::base::random::Random;
use crate::base::user_table::UserKey;
use crate::function::Function;
use crate::stats::association::{Comparison, false_discovery};
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub mod activation_threshold;

/// The function about thresholds.
pub const FUNCTIONS: &[&Function] = &[&activation_threshold::FUNCTION];

/// The most first days, which are counted day by day.
pub const DAILY: usize = 15;
/// The most requests of a threshold.
pub const MOST_COUNT: usize = 10;
/// The number of bootstrap samples.
const RESAMPLES: usize = 200;
/// The number of samples beyond either bound: 2.5 %.
const BEYOND: usize = RESAMPLES / 40;
/// The q value below which a choice is significant.
const CLEAR: f64 = 0.01;

/// The parameters.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The most days, 1 to [`DAILY`].
    pub max_days: usize,
    /// The most requests, 1 to [`MOST_COUNT`].
    pub max_count: usize,
    /// The fewest users in each half; on either side of a threshold, the fewest are a tenth of it.
    pub min_users: u64,
    /// Determines the halves and the bootstrap samples.
    pub seed: i64,
}

impl Question {
    /// The parameters of a call.
    pub fn new(max_days: i32, max_count: i32, min_users: i32, seed: i64) -> Result<Self> {
        let within = |name, given: i32, most: i32| match given {
            1.. if given <= most => Ok(given as usize),
            _ => {
                let accepted = format!("a number from 1 to {most}");
                Err(Error::Argument { name, given: given.to_string(), accepted })
            }
        };
        Ok(Question {
            max_days: within("max_days", max_days, DAILY as i32)?,
            max_count: within("max_requests", max_count, MOST_COUNT as i32)?,
            min_users: within("min_users", min_users, i32::MAX)? as u64,
            seed,
        })
    }
}

/// A number of requests within a number of first days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// Days, from 1.
    pub days: usize,
    /// Requests, from 1.
    pub count: usize,
}

/// Why there is no threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoThreshold {
    /// Too few users with known outcome.
    Users,
    /// In one of the halves all users or none were retained.
    Outcomes,
    /// No number of requests is associated with retention.
    Association,
}

/// A threshold and its estimates.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The chosen one.
    pub threshold: Threshold,
    /// Its phi coefficient in the half that chose it.
    pub training_phi: f64,
    /// Its q value among all pairs tried.
    pub training_q: f64,
    /// The range of days in the bootstrap samples, without 2.5 % on either side.
    pub days: Option<(usize, usize)>,
    /// The range of requests likewise.
    pub counts: Option<(usize, usize)>,
    /// Users of the other half who reached it, and who did not.
    pub held_out: Comparison,
}

impl Found {
    /// The share retained among users who reached it.
    pub fn precision(&self) -> Option<f64> {
        self.held_out.rate_with()
    }

    /// The share who reached it among retained users.
    pub fn recall(&self) -> Option<f64> {
        let outcomes = self.held_out.with_outcome + self.held_out.without_outcome;
        (outcomes > 0).then(|| self.held_out.with_outcome as f64 / outcomes as f64)
    }

    /// Precision divided by the overall rate.
    pub fn lift(&self) -> Option<f64> {
        let of = &self.held_out;
        let outcomes = of.with_outcome + of.without_outcome;
        (outcomes > 0).then(|| Some(self.precision()? * (of.with + of.without) as f64 / outcomes as f64)).flatten()
    }

    /// Youden's J: recall minus the share who reached it among users not retained.
    ///
    /// Source: W. J. Youden, "Index for rating diagnostic tests", Cancer 3 (1950).
    pub fn youden(&self) -> Option<f64> {
        let of = &self.held_out;
        let others = of.with + of.without - of.with_outcome - of.without_outcome;
        let false_share = (others > 0).then(|| (of.with - of.with_outcome) as f64 / others as f64)?;
        Some(self.recall()? - false_share)
    }
}

impl Found {
    /// The threshold as a sentence, if its estimates are known.
    pub fn sentence(&self, of_action: bool) -> Option<String> {
        let (Threshold { days, count }, percent) = (self.threshold, |rate: f64| (100.0 * rate).round());
        let requests = match (count, of_action) {
            (1, false) => "a request".to_owned(),
            (1, true) => "a request of the action".to_owned(),
            (count, false) => format!("{count} requests or more"),
            (count, true) => format!("{count} requests of the action or more"),
        };
        let days = if days == 1 { "first day".to_owned() } else { format!("first {days} days") };
        let (with, without) = (percent(self.held_out.rate_with()?), percent(self.held_out.rate_without()?));
        Some(format!("Of the users with {requests} in their {days}, {with} % stay, of the others {without} %."))
    }
}

impl NoThreshold {
    /// The reason as text.
    pub fn reason(self, question: &Question) -> String {
        match self {
            NoThreshold::Users => {
                format!("fewer than {} users in one of the halves whose outcome is known", question.min_users)
            }
            NoThreshold::Outcomes => "all users of one of the halves stay, or none of them".to_owned(),
            NoThreshold::Association => "no number of requests in the first days goes with staying".to_owned(),
        }
    }
}

/// The result for a segment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answer {
    /// Users of the half that chooses.
    pub training: u64,
    /// Users of the other half.
    pub held_out: u64,
    /// Retained users of both halves.
    pub retained: u64,
    /// The threshold, if there is one.
    pub found: Option<Found>,
    /// Why there is none.
    pub lack: Option<NoThreshold>,
}

/// A user: for each number of requests, the first day, from 1, by which it was reached; 0 for never.
#[derive(Clone, Copy, Debug)]
struct Person {
    reached: [u8; MOST_COUNT],
    outcome: bool,
}

/// For each threshold the users who reached it, and how many of these were retained.
struct Grid {
    /// By count and day: users who reach the count on exactly that day.
    on: [[(u64, u64); DAILY]; MOST_COUNT],
    users: u64,
    outcomes: u64,
}

impl Grid {
    fn new() -> Self {
        Grid { on: [[(0, 0); DAILY]; MOST_COUNT], users: 0, outcomes: 0 }
    }

    #[inline]
    fn add(&mut self, person: &Person) {
        let outcome = u64::from(person.outcome);
        self.users += 1;
        self.outcomes += outcome;
        for (day, on) in person.reached.iter().zip(&mut self.on) {
            // A user who has not reached a count has not reached a larger one.
            let Some(on) = (*day as usize).checked_sub(1).and_then(|day| on.get_mut(day)) else { break };
            (on.0, on.1) = (on.0 + 1, on.1 + outcome);
        }
    }

    /// All thresholds tried, by requests and then by days.
    fn comparisons(&self, question: &Question) -> impl Iterator<Item = (Threshold, Comparison)> {
        let days = question.max_days;
        self.on.iter().take(question.max_count).zip(1..).flat_map(move |(on, count)| {
            let mut reached = (0, 0);
            on.iter().take(days).zip(1..).map(move |(on, days)| {
                reached = (reached.0 + on.0, reached.1 + on.1);
                let comparison = Comparison {
                    with: reached.0,
                    with_outcome: reached.1,
                    without: self.users - reached.0,
                    without_outcome: self.outcomes - reached.1,
                };
                (Threshold { days, count }, comparison)
            })
        })
    }

    /// The threshold with the largest positive phi among those with enough users on either side.
    fn best(&self, question: &Question) -> Option<(Threshold, f64)> {
        let least = question.min_users.div_ceil(10);
        let mut best: Option<(Threshold, f64)> = None;
        for (threshold, comparison) in self.comparisons(question) {
            let enough = comparison.with >= least && comparison.without >= least;
            if let Some(phi) = comparison.phi().filter(|&phi| enough && phi > best.map_or(0.0, |(_, phi)| phi)) {
                best = Some((threshold, phi));
            }
        }
        best
    }
}

/// Whether a user belongs to the half that chooses: the lowest bit of a hash of key and seed.
pub fn chooses(key: [u8; 16], seed: i64) -> bool {
    xxh3_64_with_seed(&key, seed as u64) & 1 == 0
}

fn reached(daily: &[u8; DAILY], question: &Question) -> [u8; MOST_COUNT] {
    let (mut reached, mut sum) = ([0; MOST_COUNT], 0usize);
    for (requests, day) in daily.iter().take(question.max_days).zip(1..) {
        let before = sum.min(MOST_COUNT);
        sum += usize::from(*requests);
        reached[before..sum.min(MOST_COUNT)].fill(day);
    }
    reached
}

/// The threshold for users whose first days were counted. Bootstrap samples draw users by index, so users are sorted by key
/// to make the result independent of their order.
fn threshold(mut people: Vec<(UserKey, Person)>, question: &Question) -> Result<Answer> {
    let (mut claim, mut training, mut held_out) = (Claim::temporary(), Vec::new(), Vec::new());
    memory::poll();
    people.sort_unstable_by_key(|(user, _)| *user);
    for (i, &(user, person)) in people.iter().enumerate() {
        if i % memory::POLL_EVERY == 0 {
            memory::poll();
        }
        let half = if chooses(user.to_bytes(), question.seed) { &mut training } else { &mut held_out };
        claim.push(half, person)?;
    }
    let outcomes = |half: &[Person]| half.iter().filter(|person| person.outcome).count() as u64;
    let halves = [&training, &held_out].map(|half| (half.len() as u64, outcomes(half)));
    let mut answer = Answer {
        training: halves[0].0,
        held_out: halves[1].0,
        retained: halves[0].1 + halves[1].1,
        found: None,
        lack: None,
    };
    if halves.iter().any(|&(users, _)| users < question.min_users) {
        answer.lack = Some(NoThreshold::Users);
        return Ok(answer);
    }
    if halves.iter().any(|&(users, outcomes)| outcomes == 0 || outcomes == users) {
        answer.lack = Some(NoThreshold::Outcomes);
        return Ok(answer);
    }
    answer.found = choose(&training, &held_out, question);
    answer.lack = answer.found.is_none().then_some(NoThreshold::Association);
    Ok(answer)
}

fn grid(people: &[Person]) -> Grid {
    let mut grid = Grid::new();
    people.iter().for_each(|person| grid.add(person));
    grid
}

fn choose(training: &[Person], held_out: &[Person], question: &Question) -> Option<Found> {
    let chosen_by = grid(training);
    let (threshold, training_phi) = chosen_by.best(question)?;
    let (tried, p_values): (Vec<Threshold>, Vec<Option<f64>>) =
        chosen_by.comparisons(question).map(|(tried, comparison)| (tried, comparison.p_value())).unzip();
    let place = tried.iter().position(|&tried| tried == threshold)?;
    let training_q = false_discovery(&p_values)[place].filter(|&q| q < CLEAR)?;
    let held_out = grid(held_out).comparisons(question).find(|(tried, _)| *tried == threshold)?.1;
    let again = resampled(training, question);
    let bounds = |of: fn(&Threshold) -> usize| {
        let mut values: Vec<usize> = again.iter().map(of).collect();
        values.sort_unstable();
        Some((*values.get(BEYOND)?, *values.get(values.len().checked_sub(BEYOND + 1)?)?))
    };
    // If few samples choose any threshold, bounds would describe only those.
    let bounded = again.len() * 2 >= RESAMPLES;
    let days = bounded.then(|| bounds(|again| again.days)).flatten();
    let counts = bounded.then(|| bounds(|again| again.count)).flatten();
    Some(Found { threshold, training_phi, training_q, days, counts, held_out })
}

/// The thresholds chosen by bootstrap samples of the same size (B. Efron, "Bootstrap methods", Annals of Statistics 7, 1979).
fn resampled(training: &[Person], question: &Question) -> Vec<Threshold> {
    let mut random = Random::new(question.seed as u64);
    let mut resample = |_| {
        let mut grid = Grid::new();
        for i in 0..training.len() {
            if i % memory::POLL_EVERY == 0 {
                memory::poll();
            }
            grid.add(&training[random.below(training.len())]);
        }
        grid.best(question).map(|(threshold, _)| threshold)
    };
    (0..RESAMPLES).filter_map(&mut resample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: Question = Question { max_days: DAILY, max_count: MOST_COUNT, min_users: 10, seed: 1 };

    #[test]
    fn a_count_is_reached_on_the_day_of_its_last_request() {
        let mut daily = [0; DAILY];
        (daily[0], daily[2], daily[4]) = (2, 1, 200);
        assert_eq!(reached(&daily, &QUESTION), [1, 1, 3, 5, 5, 5, 5, 5, 5, 5]);
        assert_eq!(reached(&daily, &Question { max_days: 3, ..QUESTION }), [1, 1, 3, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(reached(&[0; DAILY], &QUESTION), [0; MOST_COUNT]);
    }

    /// Users with 4 requests by day 3 are retained, and no others: this is found from either half.
    #[test]
    fn a_sharp_threshold_is_found() {
        let person = |n: usize| {
            let mut daily = [0; DAILY];
            (daily[0], daily[n % 5]) = (1, (n * 7 % 11) as u8);
            let reached = reached(&daily, &QUESTION);
            Person { reached, outcome: (1..=3).contains(&reached[3]) }
        };
        let (training, held_out): (Vec<Person>, Vec<Person>) =
            ((0..500).map(person).collect(), (500..900).map(person).collect());
        let found = choose(&training, &held_out, &QUESTION).unwrap();
        assert_eq!(found.threshold, Threshold { days: 3, count: 4 });
        assert_eq!((found.days, found.counts), (Some((3, 3)), Some((4, 4))));
        for figure in [found.precision(), found.recall(), found.youden(), found.held_out.phi()] {
            assert!((figure.unwrap() - 1.0).abs() < 1e-12, "{found:?}");
        }
        let base = held_out.iter().filter(|person| person.outcome).count() as f64 / held_out.len() as f64;
        assert!((found.lift().unwrap() - 1.0 / base).abs() < 1e-9);
    }

    /// A count that is not associated with the outcome gives no threshold.
    #[test]
    fn noise_has_none() {
        let mut random = Random::new(7);
        let mut people = || -> Vec<Person> {
            let mut person =
                |_| Person { reached: [1 + random.below(15) as u8; MOST_COUNT], outcome: random.below(2) == 0 };
            (0..1000).map(&mut person).collect()
        };
        let (training, held_out) = (people(), people());
        assert!(choose(&training, &held_out, &QUESTION).is_none());
    }
}
