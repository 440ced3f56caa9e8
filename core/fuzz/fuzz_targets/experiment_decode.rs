//! Any bytes as an experiment: a refusal, or a value of these very bytes, which every comparison answers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use user_metrics_core::base::state::State;
use user_metrics_core::base::wire::Kind;
use user_metrics_core::experiment::comparison::{Alternative, Better, Correction, Entry, Method, Question, compare};
use user_metrics_core::experiment::{Experiment, VERSION};
use user_metrics_fuzz::{framed, held, is_refusal};

fuzz_target!(|body: &[u8]| {
    held(|| decodes_or_refuses(body));
    held(|| decodes_or_refuses(&framed(Kind::Experiment, VERSION, body)));
});

fn decodes_or_refuses(bytes: &[u8]) {
    match Experiment::decode(bytes) {
        Ok(mut experiment) => {
            assert_eq!(experiment.encode().as_deref(), Ok(bytes), "a value has one form only");
            experiment.settle().expect("room for a small value");
            assert_eq!(experiment.encode().as_deref(), Ok(bytes), "what is read is settled");
            read(&experiment);
        }
        Err(error) => assert!(is_refusal(&error), "refused as {error:?}"),
    }
}

fn read(experiment: &Experiment) {
    let question = Question {
        control: None,
        alternative: Alternative::TwoSided,
        confidence: 0.95,
        correction: Correction::Holm,
        weights: None,
        min_group_size: 1,
        first_counts: false,
        segments: 1,
        margin: None,
        sequential: false,
    };
    // Sums that no figures have make any figures, but none that is not a number.
    for method in [Method::Welch, Method::Proportions, Method::MannWhitney, Method::Quantile] {
        let entry = Entry { experiment, method, quantile: 0.9, better: Better::Higher, mixed: 0, remarks: [None; 3] };
        for row in compare(&[entry], &question).unwrap_or_default() {
            let figures =
                [row.mean, row.sd, row.difference, row.lift, row.statistic, row.df, row.p_value, row.always_low];
            assert!(figures.iter().flatten().all(|figure| figure.is_finite()), "{row:?}");
        }
    }
}
