//! Any bytes as a tally: a refusal, or a tally of these very bytes whose users each have a segment.
#![no_main]

use libfuzzer_sys::fuzz_target;
use user_metrics_core::segments::{Terms, members};
use user_metrics_core::state::State;
use user_metrics_core::tally::{Tally, VERSION};
use user_metrics_core::users::UserKey;
use user_metrics_core::wire::Kind;
use user_metrics_fuzz::{framed, held, is_refusal};

fuzz_target!(|body: &[u8]| {
    held(|| decodes_or_refuses(body));
    held(|| decodes_or_refuses(&framed(Kind::Tally, VERSION, body)));
});

fn decodes_or_refuses(bytes: &[u8]) {
    match Tally::decode(bytes) {
        Ok(tally) => {
            assert_eq!(tally.encode().as_deref(), Ok(bytes), "a tally has one form only");
            read_out(&tally);
        }
        Err(error) => assert!(is_refusal(&error), "refused as {error:?}"),
    }
}

fn read_out(tally: &Tally) {
    let terms = Terms {
        power_share: 0.28,
        ties_included: false,
        min_users: 1,
        new_days: 30,
        max_decline_ratio: 0.5,
        max_decline_p: 0.05,
        min_base_requests: 10,
    };
    // A tally of no weeks has nothing to compare, and says so.
    if let Ok((members, cutoff, _)) = members(tally, &[UserKey::bigint(1)], &terms) {
        assert!(members.len() <= tally.users());
        assert!(members.iter().all(|member| member.usage_rank.is_some() == (member.person.recent > 0)));
        assert!(cutoff.is_none_or(|cutoff| members.iter().any(|member| member.person.recent == cutoff)));
    }
}
