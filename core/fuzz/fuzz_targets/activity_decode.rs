//! Any bytes as an activity: a refusal, or a value of these very bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use user_metrics_core::activity::{Activity, VERSION};
use user_metrics_core::base::state::State;
use user_metrics_core::base::wire::Kind;
use user_metrics_fuzz::{framed, held, is_refusal};

fuzz_target!(|body: &[u8]| {
    held(|| decodes_or_refuses(body));
    held(|| decodes_or_refuses(&framed(Kind::Activity, VERSION, body)));
});

fn decodes_or_refuses(bytes: &[u8]) {
    match Activity::decode(bytes) {
        Ok(activity) => assert_eq!(activity.encode().as_deref(), Ok(bytes), "a value has one form only"),
        Err(error) => assert!(is_refusal(&error), "refused as {error:?}"),
    }
}
