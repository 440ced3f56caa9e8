//! `retention_users`: the users of a cell of `retention_matrix`, or of a period of `retention_curve`. Definitions D53-D57;
//! computed in [`retention`](super::retention), with cohorts of a single user.

use super::members::{period_of, refuse_while_hidden};
use super::retention::{Cohorts, MOST_OFFSET, OF_REQUESTS, Question};
use super::returns::{self, Returns};
use crate::base::error::Result;
use crate::function::{
    Argument, Call, Cell, Function, NO_DEFAULT, Past, REQUIRED, Reads, Requests, Role, Rows, Type, column,
};
use crate::history::BySegment;

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "retention_users",
    path: "activity::retention_users",
    example: "1",
    summary: "users of a cohort of retention_matrix, or of all cohorts, and whether each is eligible and retained in a \
              period; refused while small groups are hidden",
    arguments: &[
        Argument {
            name: "period_number",
            kind: Type::Integer,
            role: Role::Value,
            default: REQUIRED,
            about: "number of the period, from 0 to 100000; with brackets the first number of one of them",
        },
        Argument {
            name: "cohort_start",
            kind: Type::Date,
            role: Role::Value,
            default: NO_DEFAULT,
            about: "first day of the cohort's period; by default the users of all cohorts are listed",
        },
        OF_REQUESTS[0],
        OF_REQUESTS[1],
        OF_REQUESTS[3],
        OF_REQUESTS[4],
        OF_REQUESTS[5],
        OF_REQUESTS[6],
        OF_REQUESTS[7],
        OF_REQUESTS[8],
        OF_REQUESTS[9],
        OF_REQUESTS[10],
        OF_REQUESTS[11],
    ],
    columns: &[
        column("user_id", Type::Text, "the user"),
        column("cohort_start", Type::Date, "first local day of the period of the user's cohort"),
        column("eligible", Type::Boolean, "whether the user's own period has elapsed"),
        column("retained", Type::Boolean, "whether the user was retained in it; NULL if not eligible"),
    ],
    reads: Reads::Requests(&Requests { past: Past::All, columns: &[], needed: &[], names: true }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 1000,
    run,
};

/// The question of a call, about the one period that is asked for.
fn question(call: &Call<'_>) -> Result<Question> {
    let number = call.required("period_number", call.integer("period_number"), "Give the number of a period.")?;
    if !(0..=MOST_OFFSET).contains(&number) {
        return call.refuse("period_number", number, &format!("a number from 0 to {MOST_OFFSET}"));
    }
    let mut question = returns::question(call)?;
    match &mut question.brackets {
        None => question.offsets = Some(Question::offsets(vec![number])?), // few: one
        Some(brackets) => {
            brackets.retain(|&(from, _)| from == number);
            if brackets.is_empty() {
                return call.refuse("period_number", number, "the first number of one of the brackets");
            }
        }
    }
    Ok(question)
}

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    refuse_while_hidden(call, "Use retention_matrix or retention_curve, which count them.")?;
    let question = question(call)?;
    let wanted = period_of(call, "cohort_start", question.cohort)?;
    if call.history.is_none() {
        return Ok(());
    }
    let mut returns = Returns::of(call, &question)?;
    let (columns, sight, window) = (returns.columns(), returns.sight(), *returns.window());
    let mut by_segment = BySegment::default();
    call.each_user(&columns, |user| {
        by_segment.each(user, columns[0], |code, requests| {
            let mut cohorts = Cohorts::new(&question, sight);
            returns.observe(user, requests, &mut cohorts)?;
            let cells = cohorts.matrix(&window)?.into_iter();
            cells.filter(|cell| wanted.is_none_or(|wanted| cell.cohort == Some(wanted.start))).try_for_each(|cell| {
                let user_id = call.user_id(user.user, user.name);
                let is_eligible = cell.eligible > 0;
                rows.row(&mut [
                    call.text_of(columns[0], code).into(),
                    Cell::Bytes(&user_id),
                    cell.cohort.map_or(Cell::Null, Cell::Date),
                    is_eligible.into(),
                    if is_eligible { (cell.retained > 0).into() } else { Cell::Null },
                ])
            })
        })
    })
}
