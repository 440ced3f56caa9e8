//! Assignment of users to the variants of an experiment. The rules are [`user_metrics_core::assignment`]; defined
//! experiments are stored by `sql/assignment.sql`.

use crate::arguments::{Json, Numbers, ServerText, Text, TextBytes, TextSlice, Texts};
use crate::bridge;
use crate::error::{self, refused};
use pgrx::datum::Uuid;
use pgrx::iter::TableIterator;
use pgrx::pg_sys::panic::ErrorReportable;
use pgrx::prelude::*;
use user_metrics_core::Result;
use user_metrics_core::assignment::{self, Assignment, Terms};
use user_metrics_core::base::encoding::decoded;

/// The arguments that define an experiment, as passed.
#[derive(Clone, Copy)]
struct Given<'fcx> {
    experiment: Option<TextBytes<'fcx>>,
    variants: Option<Texts<'fcx>>,
    weights: Option<Numbers<'fcx>>,
    coverage: Option<f64>,
    hash: Option<TextBytes<'fcx>>,
    seed: Option<TextBytes<'fcx>>,
    namespace: Option<Json<'fcx>>,
}

/// The experiment of the previous call: a query uses the same one for every row.
struct Last {
    texts: [Option<Vec<u8>>; 6],
    coverage: Option<u64>,
    assignment: Assignment,
    /// The names of the variants in the database's encoding.
    names: Vec<Vec<u8>>,
}

impl<'fcx> Given<'fcx> {
    #[inline]
    fn texts(&self) -> [Option<&'fcx [u8]>; 6] {
        [
            self.experiment.map(|text| text.0),
            self.variants.map(Texts::bytes),
            self.weights.map(Numbers::bytes),
            self.hash.map(|text| text.0),
            self.seed.map(|text| text.0),
            self.namespace.map(Json::bytes),
        ]
    }

    #[inline]
    fn is_of(&self, last: &Last) -> bool {
        self.coverage.map(f64::to_bits) == last.coverage
            && self.texts().iter().zip(&last.texts).all(|(ours, theirs)| *ours == theirs.as_deref())
    }

    fn names(&self) -> Option<Vec<Option<Vec<u8>>>> {
        self.variants.and_then(Texts::value)
    }

    fn assignment(&self, defining: bool) -> Result<Assignment> {
        let utf8 = |text: TextBytes<'_>| decoded(text.0).into_owned();
        let [experiment, hash, seed] = [self.experiment, self.hash, self.seed].map(|text| text.map(utf8));
        let variant = |name: &Option<Vec<u8>>| name.as_ref().map(|name| utf8(TextBytes(name)));
        let variants = self.names().map(|names| names.iter().map(variant).collect::<Vec<_>>());
        let weights = self.weights.and_then(Numbers::value);
        let namespace = self.namespace.and_then(Json::value).map(|json| utf8(TextBytes(&json)));
        Assignment::new(&Terms {
            experiment: experiment.as_deref(),
            variants: variants.as_deref(),
            weights: weights.as_deref(),
            coverage: self.coverage,
            hash: hash.as_deref(),
            seed: seed.as_deref(),
            namespace: namespace.as_deref(),
            defining,
        })
    }

    #[cold]
    #[inline(never)]
    fn read(&self) -> Last {
        let assignment = self.assignment(false).map_err(refused("experiment_variant")).unwrap_or_report();
        let texts = self.texts().map(|text| text.map(<[u8]>::to_vec));
        let names = self.names().into_iter().flatten().flatten().collect();
        Last { texts, coverage: self.coverage.map(f64::to_bits), assignment, names }
    }
}

/// Declares `experiment_variant` for one type of id.
macro_rules! experiment_variant {
    ($($function:ident, $id:ty: |$assignment:ident, $user:ident| $place:expr;)*) => {$(
        #[pg_extern(immutable, parallel_safe, name = "experiment_variant")]
        fn $function<'fcx>(
            user_id: Option<$id>,
            experiment: Option<TextBytes<'fcx>>,
            variants: Option<Texts<'fcx>>,
            weights: default!(Option<Numbers<'fcx>>, "NULL"),
            coverage: default!(Option<f64>, "1.0"),
            hash: default!(Option<TextBytes<'fcx>>, "'growthbook_v2'"),
            seed: default!(Option<TextBytes<'fcx>>, "NULL"),
            namespace: default!(Option<Json<'fcx>>, "NULL"),
            fcinfo: pg_sys::FunctionCallInfo,
        ) -> Option<TextSlice<'fcx>> {
            let given = Given { experiment, variants, weights, coverage, hash, seed, namespace };
            let kept = bridge::kept::<Last>(fcinfo);
            if !kept.as_ref().is_some_and(|last| given.is_of(last)) {
                *kept = Some(given.read());
            }
            let $user = user_id?;
            let last = kept.as_ref()?;
            let $assignment = &last.assignment;
            last.names.get($place?).map(|name| TextSlice(name))
        }
    )*};
}

experiment_variant! {
    experiment_variant_text, TextBytes<'_>: |assignment, user| assignment.place(&user.utf8());
    experiment_variant_uuid, Uuid: |assignment, user| assignment.place_of_uuid(*user.as_bytes());
    experiment_variant_bigint, i64: |assignment, user| assignment.place_of_bigint(user);
}

/// Checks that an experiment can be assigned: true, or an error on behalf of `define_experiment` or of the table of
/// experiments.
#[pg_extern(immutable, parallel_safe)]
fn check_experiment(
    function: TextBytes<'_>,
    experiment: Option<TextBytes<'_>>,
    variants: Option<Texts<'_>>,
    weights: Option<Numbers<'_>>,
    coverage: Option<f64>,
    hash: Option<TextBytes<'_>>,
    seed: Option<TextBytes<'_>>,
    namespace: Option<Json<'_>>,
) -> error::Result<bool> {
    let defining = function.0 == b"define_experiment";
    let given = Given { experiment, variants, weights, coverage, hash, seed, namespace };
    let function = if defining { "define_experiment" } else { "user_metrics.experiment" };
    given.assignment(defining).map(|_| true).map_err(refused(function))
}

/// The variants of `define_experiment` as the columns of the table of experiments.
#[pg_extern(immutable, parallel_safe)]
fn experiment_variants(
    variants: Option<Text<'_>>,
) -> error::Result<
    TableIterator<
        'static,
        (name!(variants, Vec<ServerText>), name!(weights, Vec<f64>), name!(payloads, Option<ServerText>)),
    >,
> {
    let columns = || -> Result<_> {
        let told = assignment::parse_variants(variants.as_ref().map_or("null", |variants| &variants.0))?;
        let payloads = assignment::payloads(&told).map(|payloads| ServerText::of(&payloads)).transpose()?;
        let names = told.iter().map(|variant| ServerText::of(&variant.name)).collect::<Result<_>>()?;
        Ok((names, told.iter().map(|variant| variant.weight).collect(), payloads))
    };
    columns().map(TableIterator::once).map_err(refused("define_experiment"))
}
