//! A C function for each function and each aggregate that core declares. Made from the declarations; do not edit:
//! `cargo run -p user_metrics_core --example generate`.
#![allow(unsafe_code)]

crate::readout::readout! {
    active_users_of_activity, pg_finfo_active_users_of_activity: activity::active_users;
    engagement_of_activity, pg_finfo_engagement_of_activity: activity::engagement;
    stickiness_of_activity, pg_finfo_stickiness_of_activity: activity::stickiness;
    lifecycle_of_activity, pg_finfo_lifecycle_of_activity: activity::lifecycle;
    churn_rate_of_activity, pg_finfo_churn_rate_of_activity: activity::churn_rate;
    retention_matrix_of_activity, pg_finfo_retention_matrix_of_activity: activity::retention_matrix;
    retention_curve_of_activity, pg_finfo_retention_curve_of_activity: activity::retention_curve;
    cohort_table_of_activity, pg_finfo_cohort_table_of_activity: activity::cohort_table;
    session_stats_of_sessions, pg_finfo_session_stats_of_sessions: sessions::session_stats;
    session_time_of_sessions, pg_finfo_session_time_of_sessions: sessions::session_time;
    session_hazard_of_sessions, pg_finfo_session_hazard_of_sessions: sessions::session_hazard;
    seasonality_of_activity, pg_finfo_seasonality_of_activity: seasonality;
    usage_patterns_of_history, pg_finfo_usage_patterns_of_history: usage::usage_patterns;
    peak_hours_of_history, pg_finfo_peak_hours_of_history: usage::peak_hours;
    usage_heatmap_of_history, pg_finfo_usage_heatmap_of_history: usage::usage_heatmap;
    feature_usage_of_history, pg_finfo_feature_usage_of_history: usage::feature_usage;
    model_usage_of_history, pg_finfo_model_usage_of_history: usage::model_usage;
    model_stickiness_of_history, pg_finfo_model_stickiness_of_history: usage::model_stickiness;
    model_switches_of_history, pg_finfo_model_switches_of_history: usage::model_switches;
    request_complexity_of_history, pg_finfo_request_complexity_of_history: usage::request_complexity;
    segment_users_of_history, pg_finfo_segment_users_of_history: segments::segment_users;
    segment_user_of_history, pg_finfo_segment_user_of_history: segments::segment_user;
    segment_summary_of_history, pg_finfo_segment_summary_of_history: segments::segment_summary;
    paths_of_history, pg_finfo_paths_of_history: funnel::paths;
    lifecycle_stage_of_history, pg_finfo_lifecycle_stage_of_history: stages::lifecycle_stage;
    lifecycle_transitions_of_history, pg_finfo_lifecycle_transitions_of_history: stages::lifecycle_transitions;
    acquisition_of_history, pg_finfo_acquisition_of_history: stages::acquisition;
    preferred_models_of_history, pg_finfo_preferred_models_of_history: preferences::preferred_models;
    preferred_model_list_of_history, pg_finfo_preferred_model_list_of_history: preferences::preferred_model_list;
    favorite_features_of_history, pg_finfo_favorite_features_of_history: preferences::favorite_features;
    user_profile_of_history, pg_finfo_user_profile_of_history: profile::user_profile;
    user_metrics_row_of_history, pg_finfo_user_metrics_row_of_history: profile::user_metrics_row;
    benchmark_users_of_history, pg_finfo_benchmark_users_of_history: benchmark::benchmark_users;
    benchmark_user_of_history, pg_finfo_benchmark_user_of_history: benchmark::benchmark_user;
    user_properties_of_history, pg_finfo_user_properties_of_history: properties::user_properties;
    plan_usage_of_history, pg_finfo_plan_usage_of_history: plans::plan_usage;
}

crate::transition::transitions! {
    activity_transition, pg_finfo_activity_transition: activity;
    sessions_transition, pg_finfo_sessions_transition: sessions;
    funnel_transition, pg_finfo_funnel_transition: funnel;
    funnel_marks_transition, pg_finfo_funnel_marks_transition: funnel::marks;
}
