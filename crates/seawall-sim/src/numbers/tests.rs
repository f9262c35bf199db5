//! Every family of numbers, at reduced size: what fails here fails at full size.

use super::{Scale, table};

fn check(family: &str) {
    let rows = table(Scale::Quick, &[family.to_owned()], 2, &mut |_, _| {});
    assert!(!rows.is_empty(), "no numbers called {family}");
    for row in rows {
        let (ours, within) = (row.ours, row.error + row.tolerance);
        assert!(row.ok, "{}: {} expected, {ours} ± {within} found", row.id, row.expected.text);
    }
}

#[test]
fn e1_a_single_queue_waits_as_theory_says() {
    check("E1");
}

#[test]
fn e2_several_workers_wait_as_erlang_c_says() {
    check("E2");
}

#[test]
fn e3_a_full_house_loses_as_erlang_b_says_whatever_the_service_time() {
    check("E3");
}

#[test]
fn e4_a_bounded_queue_loses_what_it_must() {
    check("E4");
}

#[test]
fn e5_a_rare_long_job_makes_everybody_wait() {
    check("E5");
}

#[test]
fn e6_constant_service_waits_half_as_long() {
    check("E6");
}

#[test]
fn e14_what_is_there_is_rate_times_stay() {
    check("E14");
}

#[test]
fn e7_retries_multiply_load_as_arithmetic_says() {
    check("E7");
}

#[test]
fn e8_stacked_retries_multiply() {
    check("E8");
}

#[test]
fn e9_fan_out_makes_rare_slowness_common() {
    check("E9");
}

#[test]
fn e10_a_hedge_cuts_the_tail_for_its_price() {
    check("E10");
}

#[test]
fn e11_a_throttle_sends_k_times_what_is_accepted() {
    check("E11");
}

#[test]
fn e12_a_budget_bounds_what_three_attempts_would_do() {
    check("E12");
}

#[test]
fn e13_shedding_whole_tasks_completes_more_of_them() {
    check("E13");
}

#[test]
fn e15_users_who_wait_hide_the_queue() {
    check("E15");
}

#[test]
fn e16_the_shorter_of_two_queues_is_short() {
    check("E16");
}

#[test]
fn e17_failures_in_a_row_come_by_accident_as_often_as_they_must() {
    check("E17");
}

#[test]
fn e18_false_trips_are_as_rare_as_the_binomial_says() {
    check("E18");
}

#[test]
fn a_backoffs_contend_as_published() {
    check("A");
}

#[test]
fn r1_retry_strategies_behave_as_published() {
    check("R1");
}

#[test]
fn r2_local_guards_depend_on_the_number_of_clients() {
    check("R2");
}

#[test]
fn r3_waits_relieve_only_where_clients_wait() {
    check("R3");
}

#[test]
fn o_closed_measurement_hides_what_open_sees() {
    check("O");
}

#[test]
fn m_a_crowded_servers_collapse_and_come_back_as_published() {
    check("M-A");
}

#[test]
fn m_b_a_loss_of_workers_collapses_as_published() {
    check("M-B");
}
