//! Writes the request log of an imaginary LLM product as PostgreSQL COPY text: one row of `request_log`
//! (see `schema.sql`) a line, in time order. Nothing in it is real; what is planted in it is in `README.md`.
//!
//! The model of behaviour, whose parameters are the constants of [`behaviour`] and whose course is [`life`]. Users join at a rate that grows by
//! `GROWTH` a week. In each week since their first day they leave with probability `CHURN` times the
//! factors of their tier, of what they met in their first week and of the variant they see; those who stay
//! come back that week with their tier's `returns`. In an active week they pick days, on each day sessions,
//! in each session a feature and a number of questions. Every question is answered well, poorly or not at
//! all; then the user asks it again, goes on, or leaves.
//!
//! The same arguments give the same bytes on every machine. PCG64's stream is specified and reproducible
//! (O'Neill 2014); everything is drawn from it here, not by a library whose algorithms may change, and only
//! with integers and the operations IEEE 754 rounds exactly, never with a platform's `exp` or `ln`. Zones are
//! fixed offsets from UTC, the northern summer's: the generator does not know daylight-saving time.

mod behaviour;
mod life;

use behaviour::*;
use chrono::{Datelike, NaiveDate, TimeDelta};
use life::{Prompt, Request, Simulation, User, scramble};
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

const USAGE: &str = "usage: demo_log [--users 5000] [--requests 500000] [--weeks 26] [--end 2026-11-16] [--seed 1]
writes COPY text rows of about that many requests before the end date (UTC, exclusive) to standard output";

/// Users simulated to find out how much they ask.
const SAMPLE: u32 = 20_000;

struct Options {
    users: u32,
    requests: u32,
    weeks: u32,
    end: NaiveDate,
    seed: u32,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let end = NaiveDate::from_ymd_opt(2026, 11, 16).ok_or("no such date")?;
        let mut options = Options { users: 5_000, requests: 500_000, weeks: 26, end, seed: 1 };
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or(format!("{name} needs a value\n{USAGE}"))?;
            let number = |low: u32, high: u32| match value.parse() {
                Ok(n) if (low..=high).contains(&n) => Ok(n),
                _ => Err(format!("{name} takes a whole number from {low} to {high}, not \"{value}\"")),
            };
            match name.as_str() {
                "--users" => options.users = number(1, 10_000_000)?,
                "--requests" => options.requests = number(1, 1_000_000_000)?,
                "--weeks" => options.weeks = number(1, 520)?,
                "--seed" => options.seed = number(0, u32::MAX)?,
                "--end" => {
                    let date = value.parse().ok().filter(|d: &NaiveDate| (1900..=9999).contains(&d.year()));
                    options.end = date.ok_or(format!("--end takes a date such as 2026-11-16, not \"{value}\""))?;
                }
                _ => return Err(format!("unknown argument \"{name}\"\n{USAGE}")),
            }
        }
        Ok(options)
    }

    fn first_day(&self) -> NaiveDate {
        self.end - TimeDelta::weeks(i64::from(self.weeks))
    }

    /// 0 on Mondays.
    fn weekday(&self, day: u32) -> usize {
        (self.first_day().weekday().num_days_from_monday() + day) as usize % 7
    }

    fn launch(&self, week: u32) -> u32 {
        week * self.weeks * 7 / CALENDAR_WEEKS
    }
}

/// Writes requests as lines of COPY's text format; no value of the log needs escaping in it.
struct Writer<W> {
    out: W,
    first_day: NaiveDate,
    rows: u64,
    /// The last day written and its date, which costs more to work out than the rest of a row.
    day: i64,
    date: String,
    prompt: String,
}

impl<W: Write> Writer<W> {
    fn row(&mut self, request: &Request, user: &User) -> io::Result<()> {
        self.rows += 1;
        if request.at / DAY != self.day {
            self.day = request.at / DAY;
            self.date = (self.first_day + TimeDelta::days(self.day)).to_string();
        }
        let time = request.at % DAY;
        let (hour, minute, second, ms) = (time / HOUR, time / MINUTE % 60, time / SECOND % 60, time % SECOND);
        write!(self.out, "{}\t{} {hour:02}:{minute:02}:{second:02}.{ms:03}+00\t", self.rows, self.date)?;
        match request.blanked {
            None => write!(self.out, "u_{:08x}", user.id)?,
            Some(id) => self.out.write_all(id.as_bytes())?,
        }
        let (model, feature) = (&MODELS[request.model as usize], FEATURES[request.feature as usize].name);
        let (status, error, ..) = OUTCOMES[request.outcome as usize];
        let [prompt, completion] = request.tokens;
        let billed = if status == 200 { [prompt, completion].map(u64::from) } else { [0, 0] };
        let cost = (billed[0] * model.price[0] + billed[1] * model.price[1] + 500) / 1000;
        write!(
            self.out,
            "\tc_{:08x}\t{feature}\t{}\t{}\t{prompt}\t{completion}\t{}.{:06}\t{}\t{status}\t{error}\t{}\t",
            scramble(request.session, SESSION_SALT),
            model.provider,
            model.name,
            cost / 1_000_000,
            cost % 1_000_000,
            request.latency,
            request.rating,
        )?;
        self.prompt(request.feature, request.prompt, user.style);
        self.out.write_all(self.prompt.as_bytes())?;
        self.properties(request, user)
    }

    fn prompt(&mut self, feature: u8, prompt: Prompt, style: u8) {
        let text = &mut self.prompt;
        text.clear();
        let parts = [
            OPENERS[style as usize],
            TASKS[feature as usize][prompt.task as usize],
            " ",
            TOPICS[prompt.topic as usize],
            " ",
            DETAILS[prompt.detail as usize],
        ];
        text.extend(parts);
        text.push_str([".", ".", "", ", pls."][prompt.wording as usize]);
        match prompt.wording {
            2 => text.make_ascii_lowercase(),
            _ => text[..1].make_ascii_uppercase(),
        }
    }

    /// The keys of almost all rows in jsonb's own order, shortest first, which spares it their sorting.
    fn properties(&mut self, request: &Request, user: &User) -> io::Result<()> {
        if request.blanked.is_some() {
            return self.out.write_all(b"\t{}\n");
        }
        write!(
            self.out,
            "\t{{\"Industry\":\"{}\",\"UserTier\":\"{}\",\"UserType\":\"{}\",\"SignupDate\":\"{}\"",
            INDUSTRIES[user.industry as usize],
            TIERS[request.tier as usize].name,
            TYPES[user.kind as usize],
            self.first_day + TimeDelta::days(user.signup),
        )?;
        if let Some(variant) = request.variant {
            write!(self.out, ",\"{EXPERIMENT}\":\"{variant}\"")?;
        }
        if request.landing {
            let (source, zone) = (SOURCES[user.source as usize], ZONES[user.zone as usize].0);
            write!(self.out, ",\"Source\":\"{source}\",\"TimeZone\":\"{zone}\"")?;
        }
        self.out.write_all(b"}\n")
    }
}

/// The factor on `QUESTIONS` at which a sample of the users makes its part of the requests.
fn calibrate(options: &Options) -> Result<f64, String> {
    let sample = Options { users: options.users.min(SAMPLE), ..*options };
    let wanted = f64::from(options.requests) * f64::from(sample.users) / f64::from(options.users);
    let made = |scale: f64| {
        let mut rows = 0.0;
        let count = |_: &Request, _: &User| {
            rows += 1.0;
            Ok(())
        };
        Simulation::run(&sample, scale, count).map_err(|error| error.to_string())?;
        Ok::<f64, String>(rows)
    };
    let least = made(0.0)?;
    let (mut scale, mut best) = (1.0, (f64::INFINITY, 0.0));
    for _ in 0..12 {
        let rows = made(scale)?;
        let miss = (rows / wanted - 1.0).abs();
        if miss < best.0 {
            best = (miss, scale);
        }
        if miss < 0.005 || wanted <= least || rows <= least {
            break;
        }
        scale *= (wanted - least) / (rows - least);
    }
    if best.0 <= 0.2 {
        return Ok(best.1);
    }
    let few = least * f64::from(options.users) / f64::from(sample.users);
    Err(format!(
        "{} users do not make {} requests in {} weeks: they make at least {few:.0}, and no more than the daily limits allow",
        options.users, options.requests, options.weeks
    ))
}

fn write_log(options: &Options) -> Result<(), String> {
    let scale = calibrate(options)?;
    let out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let mut writer =
        Writer { out, first_day: options.first_day(), rows: 0, day: -1, date: String::new(), prompt: String::new() };
    Simulation::run(options, scale, |request, user| writer.row(request, user))
        .and_then(|()| writer.out.flush())
        .map_err(|error| format!("cannot write the log: {error}"))?;
    eprintln!("{} rows: {} users, {} to {}", writer.rows, options.users, options.first_day(), options.end);
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match Options::parse(arguments.into_iter()).and_then(|options| write_log(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("demo_log: {message}");
            ExitCode::FAILURE
        }
    }
}
