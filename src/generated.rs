//! A C function for each function and each aggregate that core declares. Made from the declarations; do not edit:
//! `cargo run -p user_metrics_core --example generate`.
#![allow(unsafe_code)]

crate::readout::readout! {
    active_users_of_activity, pg_finfo_active_users_of_activity: activity::active_users;
    engagement_of_activity, pg_finfo_engagement_of_activity: activity::engagement;
    stickiness_of_activity, pg_finfo_stickiness_of_activity: activity::stickiness;
    lifecycle_of_activity, pg_finfo_lifecycle_of_activity: activity::lifecycle;
    retention_matrix_of_activity, pg_finfo_retention_matrix_of_activity: activity::retention_matrix;
    retention_curve_of_activity, pg_finfo_retention_curve_of_activity: activity::retention_curve;
    cohort_table_of_activity, pg_finfo_cohort_table_of_activity: activity::cohort_table;
    session_stats_of_sessions, pg_finfo_session_stats_of_sessions: sessions::session_stats;
    session_time_of_sessions, pg_finfo_session_time_of_sessions: sessions::session_time::of_value;
    session_hazard_of_sessions, pg_finfo_session_hazard_of_sessions: sessions::session_hazard;
    session_list_of_sessions, pg_finfo_session_list_of_sessions: sessions::session_list::of_value;
    funnel_steps_of_funnel, pg_finfo_funnel_steps_of_funnel: funnel::funnel_steps;
    survival_curve_of_survival, pg_finfo_survival_curve_of_survival: survival::survival_curve;
    survival_summary_of_survival, pg_finfo_survival_summary_of_survival: survival::survival_summary;
    survival_median_of_survival, pg_finfo_survival_median_of_survival: survival::survival_median;
    survival_quantile_of_survival, pg_finfo_survival_quantile_of_survival: survival::survival_quantile;
    survival_quantiles_of_survival, pg_finfo_survival_quantiles_of_survival: survival::survival_quantiles;
    survival_mean_of_survival, pg_finfo_survival_mean_of_survival: survival::survival_mean;
    churn_rate_of_activity, pg_finfo_churn_rate_of_activity: predictors::churn_rate;
    seasonality_of_activity, pg_finfo_seasonality_of_activity: predictors::seasonality;
    ab_compare_of_experiment_moments, pg_finfo_ab_compare_of_experiment_moments: experiment::comparison::ab_compare::of_value;
    srm_check_of_arguments, pg_finfo_srm_check_of_arguments: experiment::comparison::srm;
    sample_size_of_arguments, pg_finfo_sample_size_of_arguments: experiment::comparison::power::sample_size;
    minimum_detectable_effect_of_arguments, pg_finfo_minimum_detectable_effect_of_arguments: experiment::comparison::power::minimum_detectable_effect;
}

crate::fold::folds! {
    active_user_list_over_log, pg_finfo_active_user_list_over_log: activity::active_user_list;
    lifecycle_users_over_log, pg_finfo_lifecycle_users_over_log: activity::lifecycle_users;
    retention_users_over_log, pg_finfo_retention_users_over_log: activity::retention_users;
    session_time_over_log, pg_finfo_session_time_over_log: sessions::session_time;
    session_list_over_log, pg_finfo_session_list_over_log: sessions::session_list;
    funnel_over_log, pg_finfo_funnel_over_log: funnel::funnel_over_log;
    funnel_users_over_log, pg_finfo_funnel_users_over_log: funnel::funnel_users;
    paths_over_log, pg_finfo_paths_over_log: funnel::paths;
    usage_patterns_over_log, pg_finfo_usage_patterns_over_log: usage::usage_patterns;
    peak_hours_over_log, pg_finfo_peak_hours_over_log: usage::peak_hours;
    usage_heatmap_over_log, pg_finfo_usage_heatmap_over_log: usage::usage_heatmap;
    feature_usage_over_log, pg_finfo_feature_usage_over_log: usage::feature_usage;
    model_usage_over_log, pg_finfo_model_usage_over_log: usage::model_usage;
    model_stickiness_over_log, pg_finfo_model_stickiness_over_log: usage::model_stickiness;
    model_switches_over_log, pg_finfo_model_switches_over_log: usage::model_switches;
    request_complexity_over_log, pg_finfo_request_complexity_over_log: usage::request_complexity;
    segment_users_over_log, pg_finfo_segment_users_over_log: segments::segment_users;
    segment_user_over_log, pg_finfo_segment_user_over_log: segments::segment_user;
    segment_summary_over_log, pg_finfo_segment_summary_over_log: segments::segment_summary;
    user_profile_over_log, pg_finfo_user_profile_over_log: users::profile::user_profile;
    user_metrics_row_over_log, pg_finfo_user_metrics_row_over_log: users::profile::user_metrics_row;
    preferred_models_over_log, pg_finfo_preferred_models_over_log: users::preferences::preferred_models;
    preferred_model_list_over_log, pg_finfo_preferred_model_list_over_log: users::preferences::preferred_model_list;
    favorite_features_over_log, pg_finfo_favorite_features_over_log: users::preferences::favorite_features;
    benchmark_users_over_log, pg_finfo_benchmark_users_over_log: users::benchmark::benchmark_users;
    benchmark_user_over_log, pg_finfo_benchmark_user_over_log: users::benchmark::benchmark_user;
    user_properties_over_log, pg_finfo_user_properties_over_log: users::properties::user_properties;
    property_history_over_log, pg_finfo_property_history_over_log: users::properties::property_history;
    plan_usage_over_log, pg_finfo_plan_usage_over_log: users::plans::plan_usage;
    first_sessions_over_log, pg_finfo_first_sessions_over_log: journey::onboarding::first_sessions;
    first_session_list_over_log, pg_finfo_first_session_list_over_log: journey::onboarding::first_session_list;
    activation_milestones_over_log, pg_finfo_activation_milestones_over_log: journey::onboarding::activation_milestones;
    feature_adoption_over_log, pg_finfo_feature_adoption_over_log: journey::adoption::feature_adoption;
    adoption_barriers_over_log, pg_finfo_adoption_barriers_over_log: journey::adoption::adoption_barriers;
    feature_timing_over_log, pg_finfo_feature_timing_over_log: journey::adoption::feature_timing;
    usage_evolution_over_log, pg_finfo_usage_evolution_over_log: journey::evolution::usage_evolution;
    usage_evolution_json_over_log, pg_finfo_usage_evolution_json_over_log: journey::evolution::usage_evolution_json;
    retention_drivers_over_log, pg_finfo_retention_drivers_over_log: predictors::drivers::retention_drivers;
    churn_indicators_over_log, pg_finfo_churn_indicators_over_log: predictors::drivers::churn_indicators;
    activation_threshold_over_log, pg_finfo_activation_threshold_over_log: predictors::threshold::activation_threshold;
    lifecycle_stage_over_log, pg_finfo_lifecycle_stage_over_log: stages::lifecycle_stage;
    lifecycle_transitions_over_log, pg_finfo_lifecycle_transitions_over_log: stages::lifecycle_transitions;
    acquisition_over_log, pg_finfo_acquisition_over_log: stages::acquisition;
    assignment_audit_over_log, pg_finfo_assignment_audit_over_log: assignment::assignment_audit;
    ab_compare_over_log, pg_finfo_ab_compare_over_log: experiment::comparison::ab_compare;
    ab_segments_over_log, pg_finfo_ab_segments_over_log: experiment::comparison::ab_segments;
    active_users_over_log, pg_finfo_active_users_over_log: activity::active_users::of_requests;
    engagement_over_log, pg_finfo_engagement_over_log: activity::engagement::of_requests;
    stickiness_over_log, pg_finfo_stickiness_over_log: activity::stickiness::of_requests;
    lifecycle_over_log, pg_finfo_lifecycle_over_log: activity::lifecycle::of_requests;
    retention_matrix_over_log, pg_finfo_retention_matrix_over_log: activity::retention_matrix::of_requests;
    retention_curve_over_log, pg_finfo_retention_curve_over_log: activity::retention_curve::of_requests;
    churn_rate_over_log, pg_finfo_churn_rate_over_log: predictors::churn_rate::of_requests;
    seasonality_over_log, pg_finfo_seasonality_over_log: predictors::seasonality::of_requests;
}

crate::transition::transitions! {
    activity_transition, pg_finfo_activity_transition: activity;
    sessions_transition, pg_finfo_sessions_transition: sessions;
    funnel_transition, pg_finfo_funnel_transition: funnel;
}
