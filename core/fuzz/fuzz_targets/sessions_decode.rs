//! Any bytes as sessions: a refusal, or a value of these very bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use user_metrics_core::base::state::State;
use user_metrics_core::base::wire::Kind;
use user_metrics_core::sessions::{Sessions, VERSION};
use user_metrics_fuzz::{framed, held, is_refusal};

fuzz_target!(|body: &[u8]| {
    held(|| decodes_or_refuses(body));
    held(|| decodes_or_refuses(&framed(Kind::Sessions, VERSION, body)));
});

fn decodes_or_refuses(bytes: &[u8]) {
    match Sessions::decode(bytes) {
        Ok(mut sessions) => {
            assert_eq!(sessions.encode().as_deref(), Ok(bytes), "a value has one form only");
            sessions.settle().expect("room for a small value");
            assert_eq!(sessions.encode().as_deref(), Ok(bytes), "what is read is settled");
        }
        Err(error) => assert!(is_refusal(&error), "refused as {error:?}"),
    }
}
