//! What every metastore must do, resource by resource, as functions of a store; they run on SQLite and on Postgres.

#![cfg(test)]

mod audit;
mod changes;
mod cycles;
mod decisions;
mod exchanges;
mod experiments;
mod histories;
mod labels;
mod latest_metric;
mod logged_models;
mod metrics;
mod models;
mod notes;
mod postgres;
mod runs;
mod search;
mod signals;
mod stages;
mod traces;
mod trash;
mod webhooks;

use everloop_domain::{ExperimentId, RunId, Timestamp};
use everloop_metastore::{Error, Metastore, NewRun, Transaction};

/// Names each function once: on SQLite each is a test of its own with a fresh file; on Postgres one test starts a server and
/// gives each a fresh database.
macro_rules! contract {
    ($($resource:ident { $($name:ident,)+ })+) => {
        mod sqlite {
            $(mod $resource {
                $(#[test]
                fn $name() {
                    let dir = tempfile::tempdir().unwrap();
                    let store = everloop_metastore::Metastore::open(&dir.path().join("metastore.db")).unwrap();
                    crate::$resource::$name(&store);
                })+
            })+
        }

        /// What the store must do, by name.
        const CONTRACT: &[(&str, fn(&Metastore))] = &[
            $($((concat!(stringify!($resource), "::", stringify!($name)), $resource::$name),)+)+
        ];
    };
}

contract! {
    search {
        conditions_hold_as_a_naive_reader_would_say,
        orders_put_what_is_missing_last_and_pages_cover_everything,
        several_orders_follow_each_other,
        hidden_runs_and_other_experiments_are_left_out,
        counts_agree_with_pages_and_beginnings_find_runs,
        large_patterns_are_refused_or_answered,
        long_conditions_are_answered,
    }
    experiments {
        the_default_experiment_is_there,
        ids_and_locations_are_counted,
        a_name_is_taken_even_by_a_deleted_one,
        runs_go_and_come_back_with_their_experiment,
        deleting_and_restoring_follow_the_lifecycle,
        renaming_needs_a_free_name_and_an_active_experiment,
        a_tag_is_replaced,
        lists_show_the_newest_first,
    }
    runs {
        a_new_run_is_running_and_named,
        a_run_needs_an_active_experiment_and_a_free_id,
        the_name_and_its_tag_are_one,
        an_update_leaves_what_is_absent,
        a_parameter_never_changes,
        a_batch_is_kept_whole_or_not_at_all,
        a_deleted_run_takes_nothing,
        an_absent_tag_cannot_be_deleted,
        lists_show_the_latest_start_first,
        datasets_and_outputs_are_kept_once,
        readers_of_a_path_are_found,
    }
    metrics {
        the_latest_is_the_greatest_by_step_then_time_then_value,
        a_number_is_later_than_nan,
        infinities_and_extremes_come_back,
        identical_points_are_kept_once,
        metrics_keep_the_order_of_their_first_points,
        history_is_ordered_by_time_then_step_then_value,
    }
    histories {
        pages_are_ordered_by_time_however_points_came,
        histories_are_read_on_from_where_they_were,
        short_histories_are_sampled_by_row,
        long_histories_are_sampled_by_step,
        long_histories_of_one_step_are_sampled_by_time,
    }
    latest_metric {
        agrees_with_a_naive_model,
    }
    logged_models {
        a_logged_model_is_pending_until_told,
        logged_models_are_listed_by_run_and_experiment,
        what_is_absent_cannot_be_changed,
    }
    models {
        a_model_is_made_once,
        versions_are_counted_from_one,
        an_alias_points_at_one_version,
        an_alias_needs_its_version,
        tags_of_models_and_versions_are_replaced,
        a_version_needs_its_model,
        models_and_versions_are_cut_into_pages,
    }
    cycles {
        cycles_are_counted_and_end_once,
        one_cycle_is_unfinished_at_a_time,
        scores_come_back_even_if_no_numbers,
        a_cycle_can_be_rolled_back,
        cycles_come_in_pages_and_are_found_by_their_run,
    }
    changes {
        running_and_new_runs_are_found,
        cursors_move_over_what_only_grows,
    }
    traces {
        a_trace_comes_back_whole,
        spans_make_their_trace_until_its_client_tells_of_it,
        an_assessment_that_is_replaced_is_not_valid,
        tags_and_links_need_their_trace,
        traces_are_deleted_by_age_number_or_id,
        traces_are_found_by_what_they_have,
        traces_are_ordered_and_paged,
        traces_go_with_their_experiment,
    }
    trash {
        a_deleted_run_goes_with_all_that_it_logged,
        a_deleted_experiment_goes_with_its_runs_and_models,
        a_deleted_logged_model_goes,
    }
    exchanges {
        what_goes_out_comes_in_elsewhere,
        others_of_the_same_name_are_told_apart,
    }
    stages {
        stages_go_from_planned_to_done,
        a_stage_that_was_not_planned_is_named,
        stages_of_all_cycles_come_in_pages,
    }
    labels {
        a_label_is_replaced_and_counted_once,
        a_replaced_label_is_found_again_after_the_cursor,
        labels_are_found_by_id,
    }
    signals {
        a_signal_is_kept_once_per_window,
        the_latest_of_each_name_is_found,
        signals_come_in_pages_that_cover_everything_once,
    }
    decisions {
        a_decision_is_recorded_once,
        a_claim_holds_until_its_lease_ends,
        a_finished_decision_is_closed,
    }
    audit {
        entries_are_listed_newest_first,
        an_untouched_log_holds,
        entries_come_in_pages_with_their_seals,
    }
    notes {
        a_note_is_replaced,
    }
    webhooks {
        a_webhook_comes_back_as_it_was_kept,
        webhooks_are_listed_with_the_last_made_first,
        what_happens_is_told_in_its_order,
        what_happens_to_prompts_has_its_own_events,
        only_those_who_asked_and_are_active_are_told,
        what_an_import_brings_is_not_told,
        one_server_tells_at_a_time,
        what_failed_holds_up_what_comes_later,
        a_deleted_webhook_takes_along_what_it_was_to_be_told,
    }
}

/// Writes, and fails the test if that fails.
#[track_caller]
fn write<T: Send + 'static>(
    store: &Metastore,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
) -> T {
    store.write_blocking(work).unwrap()
}

/// Reads, and fails the test if that fails.
#[track_caller]
fn read<T>(store: &Metastore, work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>) -> T {
    store.read_blocking(work).unwrap()
}

/// Writes what must be refused, and gives the words.
#[track_caller]
fn refused<T: Send + 'static + std::fmt::Debug>(
    store: &Metastore,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
) -> String {
    store.write_blocking(work).unwrap_err().to_string()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn run_id(number: u8) -> RunId {
    RunId::from_bytes([number; 16])
}

fn new_run(number: u8, experiment: ExperimentId) -> NewRun {
    NewRun {
        id: run_id(number),
        experiment,
        name: None,
        user: None,
        start_time: at(i64::from(number)),
        artifact_uri: None,
        tags: [].into(),
    }
}

/// Makes a run in the default experiment.
#[track_caller]
fn with_run(store: &Metastore) -> RunId {
    write(store, |tx| tx.runs().create(&new_run(1, ExperimentId(0))));
    run_id(1)
}
