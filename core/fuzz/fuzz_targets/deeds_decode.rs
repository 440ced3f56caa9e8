//! Any bytes as deeds, or as the subjects within: a refusal, or a value of these very bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use user_metrics_core::deeds::{Deeds, Subjects, VERSION};
use user_metrics_core::drivers;
use user_metrics_core::host::Claim;
use user_metrics_core::state::State;
use user_metrics_core::wire::{Kind, Writer};
use user_metrics_fuzz::{framed, held, is_refusal};

fuzz_target!(|body: &[u8]| {
    held(|| decodes_or_refuses(body));
    held(|| decodes_or_refuses(&framed(Kind::Deeds, VERSION, body)));
    held(|| subjects_or_refuses(&framed(Kind::Subjects, VERSION, body)));
    // The subjects first, as their length and bytes, and the rest as what they did.
    if let Some((&length, rest)) = body.split_first() {
        let (subjects, rest) = rest.split_at(usize::from(length).min(rest.len()));
        held(|| {
            let mut whole = Writer::new(Kind::Deeds, VERSION, 0).expect("room for a small value");
            whole.bytes(&framed(Kind::Subjects, VERSION, subjects)).expect("room for a small value");
            whole.raw(rest).expect("room for a small value");
            decodes_or_refuses(&whole.finish());
        });
    }
});

fn decodes_or_refuses(bytes: &[u8]) {
    match Deeds::decode(bytes) {
        Ok(deeds) => {
            assert_eq!(deeds.encode().as_deref(), Ok(bytes), "a value has one form only");
            let (all, did) = drivers::count(&deeds, true, 3).expect("room for a small value");
            drivers::compare(&all, &did, 1);
        }
        Err(error) => assert!(is_refusal(&error), "refused as {error:?}"),
    }
}

fn subjects_or_refuses(bytes: &[u8]) {
    match Subjects::decode(bytes, &mut Claim::passing()) {
        Ok(subjects) => assert_eq!(subjects.encode().as_deref(), Ok(bytes), "a list has one form only"),
        Err(error) => assert!(is_refusal(&error), "refused as {error:?}"),
    }
}
