//! Any bytes as the exposures of a log's users: a refusal, or a value of these very bytes whose users can be listed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use user_metrics_core::exposure::{Exposures, VERSION};
use user_metrics_core::state::State;
use user_metrics_core::wire::Kind;
use user_metrics_fuzz::{framed, held, is_refusal};

fuzz_target!(|body: &[u8]| {
    held(|| decodes_or_refuses(body));
    held(|| decodes_or_refuses(&framed(Kind::Exposures, VERSION, body)));
});

fn decodes_or_refuses(bytes: &[u8]) {
    match Exposures::decode(bytes) {
        Ok(mut exposures) => {
            assert_eq!(exposures.encode().as_deref(), Ok(bytes), "a value has one form only");
            exposures.settle().expect("room for a small value");
            assert_eq!(exposures.encode().as_deref(), Ok(bytes), "what is read is settled");
            assert!(exposures.exposed().all(|exposed| exposed.requests != Some(0)));
        }
        Err(error) => assert!(is_refusal(&error), "refused as {error:?}"),
    }
}
