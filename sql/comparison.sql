-- What an experiment tells: ab_compare over a value, srm_check, sample_size, minimum_detectable_effect. ab_compare and ab_segments
-- over a log declare themselves.

ALTER FUNCTION user_metrics.comparisons SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.comparisons ROWS 10;
ALTER FUNCTION user_metrics.srm_check ROWS 1;

COMMENT ON FUNCTION user_metrics.srm_check(jsonb, jsonb) IS
    'whether users are spread over variants as planned (chi-squared, variants of positive weight): {"control": 5012, "treatment": 4890}; weights are equal unless given';
COMMENT ON FUNCTION user_metrics.sample_size(double precision, double precision, double precision, double precision, double precision, text, integer) IS
    'users each variant needs to find an effect (the difference of the means or rates) with the given power: give baseline for a rate, sd for a mean';
COMMENT ON FUNCTION user_metrics.minimum_detectable_effect(bigint, double precision, double precision, double precision, double precision, text, integer) IS
    'the smallest increase that an experiment with so many users in each variant finds with the given power: give baseline for a rate, sd for a mean';

CREATE FUNCTION user_metrics.ab_compare(
    value user_metrics.experiment_moments, control text DEFAULT NULL, method text DEFAULT 'welch',
    alternative text DEFAULT 'two_sided', confidence double precision DEFAULT 0.95, correction text DEFAULT 'holm',
    weights jsonb DEFAULT NULL, better text DEFAULT 'higher', quantile double precision DEFAULT 0.5
) RETURNS TABLE (
    variant text, users bigint, mean double precision, sd double precision, control_mean double precision,
    difference double precision, difference_low double precision, difference_high double precision,
    relative_lift double precision, lift_low double precision, lift_high double precision,
    statistic double precision, df double precision, p_value double precision, p_adjusted double precision,
    always_valid_low double precision, always_valid_high double precision, probability_better double precision,
    expected_loss double precision, srm_p_value double precision, verdict text, reason text, missing_users bigint
) LANGUAGE sql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
    SELECT
        r.variant, r.users, r.mean, r.sd, r.control_mean, r.difference, r.difference_low, r.difference_high,
        r.relative_lift, r.lift_low, r.lift_high, r.statistic, r.df, r.p_value, r.p_adjusted, r.always_valid_low,
        r.always_valid_high, r.probability_better, r.expected_loss, r.srm_p_value, r.verdict, r.reason,
        r.missing_users
    FROM user_metrics_internal.comparisons(
        user_metrics_internal.experiment_send(value), method, better, quantile, control, alternative, confidence, correction,
        weights
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.ab_compare(user_metrics.experiment_moments, text, text, text, double precision, text, jsonb, text, double precision) IS
    'every variant of an experiment against its control: difference and lift with their bounds, test, always-valid bounds, chance to be better, sample ratio, verdict and why';
