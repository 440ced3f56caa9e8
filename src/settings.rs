//! The settings `user_metrics.*`.

use crate::policy;
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};
use std::ffi::CString;
use user_metrics_core::base::calendar::Micros;
use user_metrics_core::base::encoding::decoded;
use user_metrics_core::function::hides;

/// The first day of the week.
#[derive(Clone, Copy, Debug, PostgresGucEnum)]
enum WeekStart {
    #[name = c"monday"]
    Monday,
    #[name = c"tuesday"]
    Tuesday,
    #[name = c"wednesday"]
    Wednesday,
    #[name = c"thursday"]
    Thursday,
    #[name = c"friday"]
    Friday,
    #[name = c"saturday"]
    Saturday,
    #[name = c"sunday"]
    Sunday,
}

static TIMEZONE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c"UTC"));
static WEEK_START: GucSetting<WeekStart> = GucSetting::<WeekStart>::new(WeekStart::Monday);
static YEAR_START: GucSetting<i32> = GucSetting::<i32>::new(1);
static SESSION_GAP: GucSetting<i32> = GucSetting::<i32>::new(30 * 60);
static MAX_STATE_MEMORY: GucSetting<i32> = GucSetting::<i32>::new(1024 * 1024);
static MIN_GROUP_SIZE: GucSetting<i32> = GucSetting::<i32>::new(1);

/// Defines the settings.
pub fn define() {
    GucRegistry::define_string_guc(
        c"user_metrics.timezone",
        c"The time zone whose days, weeks and months are counted.",
        c"Used where a function is not given a timezone argument.",
        &TIMEZONE,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_enum_guc(
        c"user_metrics.week_start",
        c"The day weeks start with.",
        c"",
        &WEEK_START,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"user_metrics.year_start",
        c"The month years start with, and with them quarters: 1 is January, 12 December.",
        c"",
        &YEAR_START,
        1,
        12,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"user_metrics.session_gap",
        c"The longest pause within a session.",
        c"A pause of exactly this length does not end it. Used where a function is not given a session_gap argument.",
        &SESSION_GAP,
        0,
        i32::MAX,
        GucContext::Userset,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_int_guc(
        c"user_metrics.max_state_memory",
        c"The most memory the aggregates of user_metrics may hold in one backend.",
        c"A statement that would need more fails with SQLSTATE 53200. Parallel workers count for themselves.",
        &MAX_STATE_MEMORY,
        64,
        i32::MAX,
        GucContext::Suset,
        GucFlags::UNIT_KB,
    );
    GucRegistry::define_int_guc(
        c"user_metrics.min_group_size",
        c"Groups of fewer users come back with NULL figures.",
        c"",
        &MIN_GROUP_SIZE,
        1,
        i32::MAX,
        GucContext::Suset,
        GucFlags::default(),
    );
    // From now on a misspelt setting is an error, and not kept as a placeholder for a library that might define it.
    policy::reserve_settings(c"user_metrics");
}

/// The default time zone.
pub fn timezone() -> String {
    let set = TIMEZONE.get().map(|zone| decoded(zone.to_bytes()).trim().to_owned());
    set.filter(|zone| !zone.is_empty()).unwrap_or_else(|| "UTC".to_owned())
}

/// The first day of the week: 0 is Monday … 6 is Sunday.
pub fn week_start() -> u8 {
    WEEK_START.get() as u8
}

/// The first month of the year: 0 is January … 11 is December.
pub fn year_start() -> u8 {
    u8::try_from(YEAR_START.get() - 1).unwrap_or(0)
}

/// The default longest pause within a session.
pub fn session_gap() -> Micros {
    Micros::from(SESSION_GAP.get()) * 1_000_000
}

/// The most bytes that the states of this backend may hold: as set, but no more than the policy allows.
pub fn max_state_memory() -> usize {
    let kilobytes = MAX_STATE_MEMORY.get().min(policy::current().max_state_memory);
    usize::try_from(kilobytes).unwrap_or(0).saturating_mul(1024)
}

/// The smallest group of users whose metrics are shown: as set, but no less than the policy demands.
pub fn min_group_size() -> u64 {
    u64::try_from(MIN_GROUP_SIZE.get().max(policy::current().min_group_size)).unwrap_or(1)
}

/// Hides the metrics of groups that are too small.
#[derive(Clone, Copy)]
pub struct Privacy(u64);

impl Privacy {
    /// By the current settings.
    pub fn current() -> Self {
        Privacy(min_group_size())
    }

    /// Whether a group of that many users must be hidden.
    pub fn hides(self, users: u64) -> bool {
        hides(users, self.0)
    }

    /// A value about that many users, unless it must be hidden.
    pub fn shown<T>(self, users: usize, value: T) -> Option<T> {
        (!self.hides(users as u64)).then_some(value)
    }
}
