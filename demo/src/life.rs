//! The lives of the users, day by day: [`Simulation::run`] hands over their requests in time order.

use crate::Options;
use crate::behaviour::*;
use rand_pcg::{Pcg64, rand_core::Rng};
use std::io;

/// The generator's stream in the shapes needed here.
struct Dice(Pcg64);

impl Dice {
    fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    fn below(&mut self, n: u32) -> u32 {
        (((self.0.next_u64() >> 32) * u64::from(n)) >> 32) as u32
    }

    fn pick<const N: usize>(&mut self, weights: &[u32; N]) -> usize {
        let mut left = self.below(weights.iter().sum());
        let mut chosen = 0;
        while left >= weights[chosen] {
            left -= weights[chosen];
            chosen += 1;
        }
        chosen
    }

    /// Lognormal, nearly: the normal deviate is a sum of four uniform ones, exp(x) is (1 + x/1024)^1024.
    fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        let bits = self.0.next_u64();
        let sum: u64 = (0..4).map(|part| bits >> (16 * part) & 0xffff).sum();
        let normal = (sum as f64 / 65_536.0 - 2.0) * 3f64.sqrt();
        let mut power = 1.0 + sigma * normal / 1024.0;
        for _ in 0..10 {
            power *= power;
        }
        median * power
    }

    fn geometric(&mut self, mean: f64) -> u32 {
        let more = mean / (1.0 + mean);
        let mut n = 0;
        while self.chance(more) {
            n += 1;
        }
        n
    }
}

#[derive(Default)]
pub struct User {
    pub id: u32,
    pub index: u32,
    /// The local day of the first request.
    pub joined: u32,
    /// Days before the first request at first, then the day itself.
    pub signup: i64,
    pub zone: u8,
    pub tier: u8,
    pub kind: u8,
    pub industry: u8,
    pub source: u8,
    pub style: u8,
    pub model: u8,
    pub treated: bool,
    pub mixed: bool,
    /// How much the user asks, against the median user.
    pub intensity: f64,
    /// Factor on `CHURN` of what happened in the first week.
    pub churn: f64,
    /// Not left, so far.
    pub present: bool,
    /// Days of the current week since the first day, a bit each.
    pub active_days: u8,
    /// Features in use, a bit each.
    pub features: u8,
    pub tried_code: bool,
    pub met_error: bool,
    /// Met the daily limit since the last active week began.
    pub refused: bool,
    pub asked_today: u32,
    pub session: u32,
    /// When the last session ended.
    pub free_at: i64,
}

#[derive(Clone, Copy)]
pub struct Prompt {
    pub task: u8,
    pub topic: u8,
    pub detail: u8,
    /// 0 as first asked, 1 the same again, 2 in lower case, 3 with "pls".
    pub wording: u8,
}

#[derive(Clone, Copy)]
pub struct Request {
    pub at: i64,
    pub user: u32,
    pub session: u32,
    pub latency: u32,
    pub tokens: [u32; 2],
    pub prompt: Prompt,
    pub feature: u8,
    pub model: u8,
    pub outcome: Outcome,
    pub tier: u8,
    pub rating: &'static str,
    /// The id as logged when it is not the user's.
    pub blanked: Option<&'static str>,
    pub variant: Option<&'static str>,
    /// Of the user's first session.
    pub landing: bool,
}

/// Scrambles the numbers 0, 1, 2, … into ids that look random; no two become one (MurmurHash3's last step).
pub fn scramble(number: u32, salt: u32) -> u32 {
    let mut n = number ^ salt;
    n = (n ^ n >> 16).wrapping_mul(0x85eb_ca6b);
    n = (n ^ n >> 13).wrapping_mul(0xc2b2_ae35);
    n ^ n >> 16
}

/// Assignment by GrowthBook's hash version 2, even weights, control first: any implementation of it agrees.
fn is_treated(user_id: &str) -> bool {
    let fnv1a = |text: String| {
        text.bytes().fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
    };
    fnv1a(fnv1a(format!("{EXPERIMENT}{user_id}")).to_string()) % 10_000 >= 5_000
}

/// Everybody who will ever join, in order of the local day they do.
fn population(options: &Options, dice: &mut Dice) -> Vec<User> {
    // The weeks' shares are 1, GROWTH, GROWTH^2, …: cumulated to week w, GROWTH^w - 1 in units of GROWTH - 1.
    let everybody = (0..options.weeks).fold(1.0, |size, _| size * GROWTH) - 1.0;
    let (mut week, mut week_end) = (0, GROWTH);
    let mut users: Vec<User> = (0..options.users)
        .map(|index| {
            let position = (f64::from(index) + 0.5) / f64::from(options.users) * everybody;
            while week_end - 1.0 <= position {
                (week, week_end) = (week + 1, week_end * GROWTH);
            }
            new_user(options, dice, scramble(index, USER_SALT), week * 7)
        })
        .collect();
    users.sort_by_key(|user| user.joined);
    (0u32..).zip(&mut users).for_each(|(index, user)| user.index = index);
    users
}

fn new_user(options: &Options, dice: &mut Dice, id: u32, monday: u32) -> User {
    let weekday = dice.pick(&WEEKDAY_SIGNUPS) as u32;
    let shift = (weekday + 7 - options.weekday(monday) as u32) % 7;
    let zone = dice.pick(&ZONE_SHARES);
    // East of UTC the first local day began before the log did.
    let joined = (monday + shift).clamp(u32::from(ZONES[zone].1 > 0), options.weeks * 7 - 2);
    let tier = dice.pick(&[TIERS[0].share, TIERS[1].share, TIERS[2].share]);
    let early = dice.chance(SIGNUP_EARLY);
    User {
        id,
        joined,
        signup: i64::from(if early { 1 + dice.geometric(2.0) } else { 0 }),
        zone: zone as u8,
        tier: tier as u8,
        kind: dice.pick(&TIERS[tier].types) as u8,
        industry: dice.pick(&INDUSTRY_SHARES) as u8,
        source: dice.pick(&SOURCE_SHARES) as u8,
        style: dice.below(OPENERS.len() as u32) as u8,
        model: pick_model(options, dice, tier, joined),
        treated: is_treated(&format!("u_{id:08x}")),
        mixed: dice.chance(MIXED_EXPOSURE),
        intensity: dice.lognormal(1.0, INTENSITY_SIGMA),
        churn: 1.0,
        present: true,
        ..User::default()
    }
}

fn pick_model(options: &Options, dice: &mut Dice, tier: usize, day: u32) -> u8 {
    let share = |model: &Model| if day >= options.launch(model.launch) { model.share[tier] } else { 0 };
    dice.pick(&MODELS.each_ref().map(share)) as u8
}

/// One life of the product: the users' days in turn, and the requests not yet settled in time order.
pub struct Simulation<'a> {
    options: &'a Options,
    dice: Dice,
    /// The factor on `QUESTIONS` that gives the asked-for number of requests.
    scale: f64,
    sessions: u32,
    pending: Vec<Request>,
}

impl Simulation<'_> {
    pub fn run(
        options: &Options,
        scale: f64,
        mut log: impl FnMut(&Request, &User) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut dice = Dice(Pcg64::new(u128::from(options.seed), 0));
        let mut users = population(options, &mut dice);
        let mut simulation = Simulation { options, dice, scale, sessions: 0, pending: Vec::new() };
        let end = options.weeks * 7;
        let mut joined = 0;
        // East of UTC the log's last hours belong to the local day after its last.
        for day in 0..=end {
            joined += users[joined..].partition_point(|user| user.joined <= day);
            users[..joined].iter_mut().for_each(|user| simulation.live(user, day));
            let settled = (i64::from(day + 1) * DAY - EASTMOST).min(i64::from(end) * DAY);
            simulation.pending.sort_by_key(|request| (request.at, request.user));
            let ready = simulation.pending.partition_point(|request| request.at < settled);
            for request in simulation.pending.drain(..ready) {
                log(&request, &users[request.user as usize])?;
            }
        }
        Ok(())
    }

    /// A user's weeks are counted from the first day; each begins by deciding which of its days will be used.
    fn live(&mut self, user: &mut User, day: u32) {
        let age = day - user.joined;
        if age.is_multiple_of(7) {
            self.begin_week(user, day, age as usize / 7);
        }
        if user.active_days >> (age % 7) & 1 == 1 {
            self.use_product(user, day);
        }
    }

    fn begin_week(&mut self, user: &mut User, day: u32, week: usize) {
        let tier = &TIERS[user.tier as usize];
        let active = user.active_days != 0;
        user.active_days = u8::from(week == 0);
        if week == 1 {
            user.churn *= if user.tried_code { CODE_CHURN } else { 1.0 };
            user.churn *= if user.met_error { ERROR_CHURN } else { 1.0 };
        }
        if week > 0 {
            let treated = user.treated && day >= self.options.launch(EXPERIMENT_WEEK);
            let effect = if treated { TREATMENT_CHURN } else { 1.0 };
            let leaves = CHURN[week.min(CHURN.len()) - 1] * tier.churn * user.churn * effect;
            user.present = if user.present { !self.dice.chance(leaves) } else { self.dice.chance(RESURRECTION) };
            if !user.present || !self.dice.chance(tier.returns) {
                return;
            }
        }
        if active && user.tier == 0 && self.dice.chance(UPGRADE[usize::from(user.refused)]) {
            user.tier = 1;
        }
        user.refused = false;
        if day >= self.options.launch(MODELS[NEWEST].launch) && self.dice.chance(SWITCH_TO_NEWEST) {
            user.model = NEWEST as u8;
        }
        for age in 0..7 {
            let weekend = self.options.weekday(day + age) >= 5;
            let likely = tier.day * user.intensity.sqrt() * if weekend { tier.weekend } else { 1.0 };
            user.active_days |= u8::from(self.dice.chance(likely.min(0.95))) << age;
        }
        if user.active_days == 0 {
            user.active_days = 1 << self.dice.below(7);
        }
    }

    fn use_product(&mut self, user: &mut User, day: u32) {
        user.asked_today = 0;
        let midnight = i64::from(day) * DAY - ZONES[user.zone as usize].1 * MINUTE;
        let hour = self.dice.pick(&HOURS[usize::from(self.options.weekday(day) >= 5)]);
        let mut at = midnight + hour as i64 * HOUR + i64::from(self.dice.below(HOUR as u32));
        for _ in 0..=self.dice.geometric(MORE_SESSIONS) {
            at = at.max(user.free_at + SESSION_BREAK);
            if at >= midnight + DAY {
                break;
            }
            self.session(user, at, day);
            at = user.free_at + self.dice.lognormal(NEXT_SESSION, 0.8) as i64;
        }
    }

    /// One conversation about one topic: questions until the user has asked enough or gives up.
    fn session(&mut self, user: &mut User, start: i64, day: u32) {
        let landing = user.session == 0;
        if landing || !self.dice.chance(RESUMED) {
            self.sessions += 1;
            user.session = self.sessions;
        }
        if landing {
            user.signup = start / DAY - user.signup;
        }
        let feature = self.choose_feature(user, day);
        let mean = (QUESTIONS * self.scale * user.intensity * FEATURES[feature].questions).min(MOST_QUESTIONS);
        let (first, topic) = (self.dice.below(60), self.dice.below(TOPICS.len() as u32) as u8);
        let (mut at, mut let_down) = (start, false);
        for turn in 0..=self.dice.geometric(mean) {
            // Neighbouring questions share neither task nor detail, so that only a question asked again looks alike.
            let (task, detail) = ((first + turn) % 5, (first + 5 * turn) % 12);
            let prompt = Prompt { task: task as u8, topic, detail: detail as u8, wording: 0 };
            let outcome = self.question(user, &mut at, feature, prompt, landing);
            let_down |= outcome != Outcome::Good;
            if self.dice.chance(OUTCOMES[outcome as usize].3) {
                break;
            }
        }
        user.free_at = at;
        user.tried_code |= feature == CODE && day < user.joined + 7;
        let keep = KEPT[usize::from(let_down)];
        if user.features == 0 || self.dice.chance(keep) {
            user.features |= 1 << feature;
        }
    }

    /// One of the features in use or, when exploring, a launched one that is not.
    fn choose_feature(&mut self, user: &User, day: u32) -> usize {
        let launched = |feature: usize| day >= self.options.launch(FEATURES[feature].launch);
        let known = |feature: usize| user.features >> feature & 1 == 1;
        let something_new = (0..FEATURES.len()).any(|feature| launched(feature) && !known(feature));
        let explores = something_new && (user.features == 0 || self.dice.chance(EXPLORES));
        let weights = std::array::from_fn::<u32, 6, _>(|feature| {
            let offered = launched(feature) && known(feature) != explores;
            let suits = feature == CODE && user.industry == SOFTWARE;
            u32::from(offered) * FEATURES[feature].popularity * if suits { SOFTWARE_CODES } else { 1 }
        });
        self.dice.pick(&weights)
    }

    /// One question, asked again while the answer does not satisfy and patience lasts; moves `at` to the next.
    fn question(
        &mut self,
        user: &mut User,
        at: &mut i64,
        feature: usize,
        mut prompt: Prompt,
        landing: bool,
    ) -> Outcome {
        let mut attempts = 1;
        loop {
            let request = self.request(user, *at, feature, prompt, landing);
            self.pending.push(request);
            if self.dice.chance(DOUBLE_POST) {
                let echo = *at + 1 + i64::from(self.dice.below(40));
                self.pending.push(Request { at: echo, ..request });
            }
            *at += i64::from(request.latency);
            let outcome = request.outcome;
            if attempts == MOST_ATTEMPTS || !self.dice.chance(OUTCOMES[outcome as usize].2) {
                *at += self.dice.lognormal(THINKING, 1.0).min(LONGEST_THINK) as i64;
                return outcome;
            }
            attempts += 1;
            prompt.wording = [1, 1, 1, 2, 3][self.dice.below(5) as usize];
            *at += self.dice.lognormal(REASKING, 0.6) as i64;
        }
    }

    fn request(&mut self, user: &mut User, at: i64, feature: usize, prompt: Prompt, landing: bool) -> Request {
        let day = (at / DAY) as u32;
        let model = if self.dice.chance(LOYALTY) {
            user.model
        } else {
            pick_model(self.options, &mut self.dice, user.tier as usize, day)
        };
        let exposed = day >= self.options.launch(EXPERIMENT_WEEK);
        user.asked_today += 1;
        let outcome = self.outcome(user, at, feature, model as usize, exposed && user.treated);
        let failed = matches!(outcome, Outcome::ServerError | Outcome::Unavailable | Outcome::TimedOut);
        user.met_error |= failed;
        user.refused |= outcome == Outcome::RateLimited;
        let tokens = FEATURES[feature].tokens.map(|median| self.dice.lognormal(median, 0.7) as u32);
        let answered = matches!(outcome, Outcome::Good | Outcome::Poor);
        let shown = if user.mixed && self.dice.chance(0.5) { !user.treated } else { user.treated };
        Request {
            at,
            user: user.index,
            session: user.session,
            latency: self.latency(outcome, model as usize, tokens[1]),
            tokens: [tokens[0], if answered { tokens[1] } else { 0 }],
            prompt,
            feature: feature as u8,
            model,
            outcome,
            tier: user.tier,
            rating: self.rating(outcome),
            blanked: (!landing && self.dice.chance(BLANKED)).then(|| BLANKS[self.dice.below(3) as usize]),
            variant: exposed.then_some(VARIANTS[usize::from(shown)]),
            landing,
        }
    }

    fn outcome(&mut self, user: &User, at: i64, feature: usize, model: usize, treated: bool) -> Outcome {
        let (feature, model) = (&FEATURES[feature], &MODELS[model]);
        let outage_week = i64::from(self.options.launch(OUTAGE_WEEK)) * DAY;
        let outage = model.provider == OUTAGE_PROVIDER && OUTAGE.contains(&(at - outage_week));
        let poor = feature.poor * model.poor * if treated { TREATMENT_POOR } else { 1.0 };
        if user.asked_today > TIERS[user.tier as usize].daily_limit {
            Outcome::RateLimited
        } else if outage && self.dice.chance(OUTAGE_FAILS) {
            Outcome::Unavailable
        } else if self.dice.chance(model.error) {
            Outcome::ServerError
        } else if self.dice.chance(feature.timeout) {
            Outcome::TimedOut
        } else if self.dice.chance(FILTERED) {
            Outcome::Filtered
        } else if self.dice.chance(poor) {
            Outcome::Poor
        } else {
            Outcome::Good
        }
    }

    fn latency(&mut self, outcome: Outcome, model: usize, completion: u32) -> u32 {
        let [first, each] = MODELS[model].pace;
        let answer = first + each * f64::from(completion);
        let median = match outcome {
            Outcome::Good | Outcome::Poor => answer,
            Outcome::TimedOut => return LONGEST_WAIT + self.dice.below(50),
            Outcome::RateLimited => 35.0,
            Outcome::Filtered | Outcome::Unavailable => 250.0,
            Outcome::ServerError => 900.0,
        };
        (self.dice.lognormal(median, 0.35) as u32).min(LONGEST_WAIT - 1)
    }

    fn rating(&mut self, outcome: Outcome) -> &'static str {
        let [rated, up] = match outcome {
            Outcome::Good => RATED_GOOD,
            Outcome::Poor => RATED_POOR,
            _ => return NULL,
        };
        match (self.dice.chance(rated), self.dice.chance(up)) {
            (false, _) => NULL,
            (true, true) => "1",
            (true, false) => "-1",
        }
    }
}
