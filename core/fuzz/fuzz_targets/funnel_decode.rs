//! Any bytes as a funnel: a refusal, or a value of these very bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use user_metrics_core::base::state::State;
use user_metrics_core::base::wire::Kind;
use user_metrics_core::funnel::{Funnel, VERSION};
use user_metrics_fuzz::{framed, held, is_refusal};

fuzz_target!(|body: &[u8]| {
    held(|| decodes_or_refuses(body));
    held(|| decodes_or_refuses(&framed(Kind::Funnel, VERSION, body)));
});

fn decodes_or_refuses(bytes: &[u8]) {
    match Funnel::decode(bytes) {
        Ok(mut funnel) => {
            assert_eq!(funnel.encode().as_deref(), Ok(bytes), "a value has one form only");
            funnel.settle().expect("room for a small value");
            assert_eq!(funnel.encode().as_deref(), Ok(bytes), "what is read is settled");
        }
        Err(error) => assert!(is_refusal(&error), "refused as {error:?}"),
    }
}
