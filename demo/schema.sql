-- The request log of an imaginary LLM product, as its developers would have made it: nothing in it is shaped
-- to user_metrics. load.sh runs this file, fills the table and then makes its indexes, which is faster than
-- filling an indexed one. By itself: psql -v table=request_log -f demo/schema.sql
\if :{?table} \else \set table request_log \endif
\if :{?unlogged} \else \set unlogged '' \endif

CREATE :unlogged TABLE :"table" (
    id                bigint NOT NULL,
    created_at        timestamptz NOT NULL,
    user_id           text,              -- NULL, '' and 'anonymous' when the client had lost its login
    session_id        text NOT NULL,     -- the app's conversation; now and then resumed on a later day
    feature           text NOT NULL,
    provider          text NOT NULL,
    model             text NOT NULL,
    prompt_tokens     integer NOT NULL,
    completion_tokens integer NOT NULL,
    cost_usd          numeric(12, 6) NOT NULL,
    latency_ms        integer NOT NULL,
    status_code       integer NOT NULL,
    error_code        text,
    rating            smallint,          -- 1 thumb up, -1 thumb down, NULL not rated
    prompt            text NOT NULL,
    properties        jsonb NOT NULL     -- UserTier, UserType, SignupDate, Industry; Source, new_chat_ui
);
