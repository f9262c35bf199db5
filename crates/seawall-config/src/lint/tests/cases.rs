//! For each rule a config that fires it with the numbers of the worked examples, and one just
//! beside it that does not.

/// A rule, the config that fires it, what is replaced to make it quiet, and what it says.
pub(super) struct Case {
    pub(super) rule: &'static str,
    pub(super) severity: &'static str,
    pub(super) fires: &'static str,
    pub(super) edit: (&'static str, &'static str),
    pub(super) says: &'static str,
}

/// Two upstreams and two routes, for what needs a path.
macro_rules! path {
    ($($rest:literal),*) => {
        concat!(
            "[upstreams.payments]\nendpoints = [\"10.0.0.1:1\", \"10.0.0.2:1\"]\n",
            "[upstreams.stock]\nendpoints = [\"10.0.1.1:1\", \"10.0.1.2:1\"]\n",
            $($rest,)*
        )
    };
}

/// One upstream with a route, and what is assumed of both.
macro_rules! one {
    ($upstream:literal, $route:literal, $assume:literal) => {
        concat!(
            "[upstreams.payments]\nendpoints = [\"10.0.0.1:1\", \"10.0.0.2:1\", \"10.0.0.3:1\"]\n",
            $upstream,
            "\n[[routes]]\npath = \"/pay\"\nupstream = \"payments\"\n",
            $route,
            "\n",
            $assume
        )
    };
}

pub(super) const CASES: &[Case] = &[
    Case {
        rule: "L1",
        severity: "error",
        fires: path!(
            "[[routes]]\npath = \"/pay\"\nupstream = \"payments\"\nretry = \"off\"\n",
            "timeouts = { total = \"5s\", attempt = \"800ms\" }\n",
            "[[routes]]\npath = \"/stock\"\nupstream = \"stock\"\n",
            "timeouts = { total = \"2s\", attempt = \"500ms\" }\n",
            "[assume.upstreams.payments]\ncalls = [\"/stock\"]\n"
        ),
        edit: ("attempt = \"800ms\"", "attempt = \"1655ms\""),
        says: "attempt timeout 800ms < 3 × 500ms + (50ms + 100ms) + 5ms = 1.655s",
    },
    Case {
        rule: "L1",
        severity: "error",
        fires: path!(
            "[[routes]]\npath = \"/pay\"\nupstream = \"payments\"\nretry = \"off\"\n",
            "timeouts = { total = \"5s\", attempt = \"800ms\" }\n",
            "[[routes]]\npath = \"/stock\"\nupstream = \"stock\"\nretry = { max_attempts = 2 }\n",
            "timeouts = { total = \"1s\", attempt = \"500ms\" }\n",
            "[assume.upstreams.payments]\ncalls = [\"/stock\"]\n"
        ),
        edit: ("attempt = \"800ms\"", "attempt = \"1005ms\""),
        says: "attempt timeout 800ms < 1s + 5ms = 1.005s",
    },
    Case {
        rule: "L1",
        severity: "info",
        fires: path!(
            "[[routes]]\npath = \"/pay\"\nupstream = \"payments\"\nretry = \"off\"\n",
            "timeouts = { total = \"5s\", attempt = \"800ms\" }\n",
            "[[routes]]\npath = \"/stock\"\nupstream = \"stock\"\n",
            "[assume.upstreams.payments]\ncalls = [\"/stock\"]\npasses_deadline = true\n"
        ),
        edit: ("calls = [\"/stock\"]\n", ""),
        says: "attempt timeout 800ms < 3 × 3s + (50ms + 100ms) + 5ms = 9.155s",
    },
    Case {
        rule: "L2",
        severity: "warning",
        fires: one!("", "timeouts = { total = \"1s\", attempt = \"400ms\" }", ""),
        edit: ("\"1s\"", "\"1350ms\""),
        says: "1s < 3 × 400ms + (50ms + 100ms) = 1.35s: 2 of 3 attempts fit",
    },
    Case {
        rule: "L3",
        severity: "warning",
        fires: one!(
            "",
            "retry = { max_attempts = 4 }\ntimeouts = { total = \"10s\", attempt = \"2s\" }",
            ""
        ),
        edit: ("max_attempts = 4", "max_attempts = 3"),
        says: "4 = 4 > 3",
    },
    Case {
        rule: "L4",
        severity: "warning",
        fires: one!("", "", "[assume.routes.\"/pay\"]\nrate = 20"),
        edit: ("rate = 20", "rate = 34"),
        says: "min(3, 1 + 0.2 + 10/s ÷ 20/s) = 1.7 > 1.5",
    },
    Case {
        rule: "L4",
        severity: "warning",
        fires: one!("", "", "[assume.routes.\"/pay\"]\nrate = 500\nquiet_rate = \"20/s\""),
        edit: ("quiet_rate = \"20/s\"", ""),
        says: "= 1.7 > 1.5",
    },
    Case {
        rule: "L5",
        severity: "warning",
        fires: path!(
            "[[routes]]\npath = \"/pay\"\nupstream = \"payments\"\n",
            "timeouts = { total = \"40s\", attempt = \"12s\" }\n",
            "[[routes]]\npath = \"/stock\"\nupstream = \"stock\"\n",
            "[assume.upstreams.payments]\ncalls = [\"/stock\"]\n"
        ),
        edit: ("attempt = \"12s\" }", "attempt = \"12s\" }\nretry = \"off\""),
        says: "2 hops of one path retry: /pay, /stock",
    },
    Case {
        rule: "L6",
        severity: "warning",
        fires: one!("", "retry = { jitter = \"none\" }", ""),
        edit: ("\"none\"", "\"equal\""),
        says: "every caller waits exactly 50ms, 100ms before it tries again",
    },
    Case {
        rule: "L6",
        severity: "warning",
        fires: one!("", "retry = { backoff = \"none\" }", ""),
        edit: ("retry = {", "\n[assume.routes.\"/pay\"]\nclients = 1\n# {"),
        says: "every caller waits exactly 0us, 0us",
    },
    Case {
        rule: "L7",
        severity: "error",
        fires: concat!(
            "[upstreams.payments]\nendpoints = [\"10.0.0.1:1\"]\n",
            "[assume.upstreams.payments]\nreplicas = 3\neject_after = \"10s\"\n",
            "fail_after = \"10ms\"\n"
        ),
        edit: ("eject_after = \"10s\"", "eject_after = \"100ms\""),
        says: "3 × 10ms + (50ms + 100ms) = 180ms < 10s",
    },
    Case {
        rule: "L7",
        severity: "error",
        fires: concat!(
            "[upstreams.payments]\nendpoints = [\"10.0.0.1:1\"]\n",
            "[assume.upstreams.payments]\nreplicas = 3\nfail_after = \"10ms\"\n",
            "[assume.routes.\"/\"]\nrate = 50\n"
        ),
        edit: ("rate = 50", "rate = 100"),
        says: "3 × 10ms + (50ms + 100ms) = 180ms < 300ms",
    },
    Case {
        rule: "L8",
        severity: "error",
        fires: one!("", "", "[assume.routes.\"/pay\"]\ncallers_retry = [\"503\", \"silence\"]"),
        edit: ("[\"503\", \"silence\"]", "[\"refused\"]"),
        says: "callers send POST again after 503, silence, which may follow execution",
    },
    Case {
        rule: "L8",
        severity: "error",
        fires: one!(
            "",
            "methods = [\"GET\", \"PATCH\"]",
            "[assume.routes.\"/pay\"]\ncallers_retry = [\"silence\"]\nkeyed = false"
        ),
        edit: ("keyed = false", "keyed = true"),
        says: "callers send PATCH again after silence",
    },
    Case {
        rule: "L8",
        severity: "error",
        fires: one!(
            "",
            "methods = [\"POST\"]",
            "[assume.routes.\"/pay\"]\ncallers_retry = [\"refused\", \"504\"]"
        ),
        edit: ("methods = [\"POST\"]", "methods = [\"PUT\"]"),
        says: "callers send POST again after 504",
    },
    Case {
        rule: "L9",
        severity: "error",
        fires: one!("", "", "[assume.routes.\"/pay\"]\nrate = \"30/min\""),
        edit: ("30/min", "120/min"),
        says: "breaker.min_calls 20 > 0.5/s × 10s = 5",
    },
    Case {
        rule: "L9",
        severity: "error",
        fires: one!(
            "breaker = { failure_rate = \"off\", consecutive = 5 }\nendpoint_breaker = \"off\"",
            "",
            "[assume.routes.\"/pay\"]\nrate = 1\nfailure_rate = \"50%\"\ndetect_within = \"20s\""
        ),
        edit: ("detect_within = \"20s\"", "detect_within = \"62s\""),
        says: "5 failures in a row at 50% take 62 calls ÷ 1/s = 62s > 20s",
    },
    Case {
        rule: "L9",
        severity: "error",
        fires: one!(
            "breaker = { failure_rate = \"80%\" }\nendpoint_breaker = \"off\"",
            "",
            "[assume.routes.\"/pay\"]\nrate = 100\nfailure_rate = \"30%\""
        ),
        edit: ("failure_rate = \"80%\"", "failure_rate = \"30%\""),
        says: "breaker.failure_rate 80% > 30%",
    },
    Case {
        rule: "L9",
        severity: "error",
        fires: one!(
            "overrides = [{ status = 500, class = \"ignored\" }]",
            "",
            "[assume.upstreams.payments]\nfails_with = [\"500\", \"501\"]"
        ),
        edit: ("\"501\"", "\"silence\""),
        says: "the service fails with 500, 501, and none of them counts as a failure",
    },
    Case {
        rule: "L10",
        severity: "warning",
        fires: one!(
            "breaker = { min_calls = 5 }",
            "",
            "[assume.upstreams.payments]\nusual_failures = \"5%\""
        ),
        edit: ("min_calls = 5", "min_calls = 10"),
        says: "P(at least 3 of 5 fail at 5%) = 1.16e-3 > 1.00e-3",
    },
    Case {
        rule: "L11",
        severity: "warning",
        fires: one!("", "", "[assume.upstreams.payments]\nshards = 4"),
        edit: ("shards = 4", "shards = 1"),
        says: "breaker.failure_rate 50% > 1/4 = 25%",
    },
    Case {
        rule: "L12",
        severity: "warning",
        fires: one!(
            "bulkhead = { permits = 20, queue = 0 }",
            "",
            "[assume.routes.\"/pay\"]\nrate = 100\n[assume.upstreams.payments.latency]\n\
             mean = \"200ms\""
        ),
        edit: ("permits = 20", "permits = 30"),
        says: "100/s × 200ms = 20 in use; 20 permits refuse 15.9% > 1%",
    },
    Case {
        rule: "L13",
        severity: "warning",
        fires: one!(
            "bulkhead = { permits = 1024 }",
            "timeouts = { total = \"2s\", attempt = \"2s\" }\nretry = \"off\"",
            "[assume.routes.\"/pay\"]\nrate = 200"
        ),
        edit: ("permits = 1024", "permits = 399"),
        says: "1024 permits ≥ 200/s × 2s = 400",
    },
    Case {
        rule: "L13",
        severity: "warning",
        fires: one!(
            "bulkhead = { permits = 31 }\npool = { connections = 10, idle_max = 5 }",
            "",
            ""
        ),
        edit: ("permits = 31", "permits = 30"),
        says: "31 permits > 3 × 10 connections = 30",
    },
    Case {
        rule: "L14",
        severity: "error",
        fires: one!(
            "",
            "timeouts = { total = \"10s\", attempt = \"1200ms\" }",
            "[assume.upstreams.payments]\nqueue = 1000\nworkers = 20\n\
             latency = { mean = \"50ms\", p99 = \"200ms\" }"
        ),
        edit: ("queue = 1000", "queue = 400"),
        says: "1000 × 50ms ÷ 20 = 2.5s > 1.2s − 200ms = 1s",
    },
    Case {
        rule: "L14",
        severity: "error",
        fires: one!("bulkhead = { permits = 9, max_wait = \"10s\" }", "", ""),
        edit: ("max_wait = \"10s\"", "max_wait = \"9s\""),
        says: "bulkhead.max_wait 10s ≥ 10s",
    },
    Case {
        rule: "L15",
        severity: "error",
        fires: one!("ejection = { max_ejected = \"10%\", cap = \"strict\" }", "", ""),
        edit: ("\"10%\"", "\"34%\""),
        says: "⌊10% × 3⌋ = 0 < 1",
    },
    Case {
        rule: "L15",
        severity: "error",
        fires: one!("ejection = { min_healthy = 3 }", "", ""),
        edit: ("min_healthy = 3", "min_healthy = 2"),
        says: "3 − 1 = 2 < 3",
    },
    Case {
        rule: "L15",
        severity: "error",
        fires: concat!(
            "[upstreams.payments]\nendpoints = [\"10.0.0.1:1\"]\n",
            "ejection = { consecutive = 3 }\n"
        ),
        edit: ("ejection = {", "breaker = { failure_rate = \"off\","),
        says: "1 endpoint − 1 = 0",
    },
    Case {
        rule: "L15",
        severity: "error",
        fires: one!("balance = { panic_threshold = \"70%\" }", "", ""),
        edit: ("\"70%\"", "\"66%\""),
        says: "(3 − 1) ÷ 3 = 66.7% < panic threshold 70%",
    },
    Case {
        rule: "L16",
        severity: "warning",
        fires: one!(
            "health_check = { tcp = true, every = \"5s\" }",
            "",
            "[assume.routes.\"/pay\"]\nrate = 1\ndetect_within = \"12s\""
        ),
        edit: ("every = \"5s\"", "every = \"3s\""),
        says: "5 × 3 ÷ 1/s = 15s > 12s",
    },
    Case {
        rule: "L16",
        severity: "warning",
        fires: one!("health_check = { tcp = true, every = \"1s\", timeout = \"1s\" }", "", ""),
        edit: ("timeout = \"1s\"", "timeout = \"500ms\""),
        says: "health_check.timeout 1s ≥ every 1s",
    },
    Case {
        rule: "L16",
        severity: "warning",
        fires: one!(
            "ejection = \"off\"\nendpoint_breaker = \"off\"",
            "",
            "[assume.routes.\"/pay\"]\nrate = 100\ndetect_within = \"12s\""
        ),
        edit: ("ejection = \"off\"", ""),
        says: "neither health checks nor ejection nor an endpoint breaker is on",
    },
    Case {
        rule: "L17",
        severity: "error",
        fires: one!(
            "health_check = { tcp = true, every = \"1s\", timeout = \"500ms\" }",
            "",
            "[assume]\ngateways = 200\n[assume.upstreams.payments]\ncapacity = 500"
        ),
        edit: ("every = \"1s\"", "every = \"40s\""),
        says: "200 gateways ÷ 1s = 200/s of 500/s = 40% > 1%",
    },
    Case {
        rule: "L18",
        severity: "warning",
        fires: one!(
            "",
            "",
            "[assume]\ngateways = 20\n[assume.upstreams.payments]\ncold_concurrency = 19"
        ),
        edit: ("cold_concurrency = 19", "cold_concurrency = 20"),
        says: "20 gateways × 1 probes = 20 > 19 at once",
    },
    Case {
        rule: "L18",
        severity: "warning",
        fires: one!(
            "slow_start = \"off\"",
            "",
            "[assume.routes.\"/pay\"]\nrate = 300\n[assume.upstreams.payments]\ncold_capacity = 50"
        ),
        edit: ("slow_start = \"off\"", "slow_start = \"10s\""),
        says: "300/s ÷ 3 = 100/s > 50/s",
    },
    Case {
        rule: "L19",
        severity: "warning",
        fires: one!(
            "",
            "methods = [\"GET\"]",
            "[assume.routes.\"/pay\"]\nhedge = { after = \"40ms\" }\n[assume.upstreams.payments]\n\
             latency = { p50 = \"40ms\", p99 = \"300ms\" }"
        ),
        edit: ("after = \"40ms\"", "after = \"p95\""),
        says: "50% slower than the delay + 0% retried = 50% > budget 20%",
    },
    Case {
        rule: "L19",
        severity: "warning",
        fires: one!(
            "",
            "methods = [\"GET\"]",
            "[assume.routes.\"/pay\"]\nhedge = { after = \"3s\" }"
        ),
        edit: ("after = \"3s\"", "after = \"2900ms\""),
        says: "hedge after 3s ≥ attempt timeout 3s",
    },
    Case {
        rule: "L19",
        severity: "warning",
        fires: one!(
            "hedge = { after = \"2s\" }",
            "timeouts = { attempt = \"1s\" }",
            "[[routes]]\npath = \"/stock\"\nupstream = \"payments\""
        ),
        edit: ("after = \"2s\"", "after = \"900ms\""),
        says: "hedge after 2s ≥ attempt timeout 1s",
    },
    Case {
        rule: "L19",
        severity: "error",
        fires: one!("", "", "[assume.routes.\"/pay\"]\nhedge = { after = \"p95\" }"),
        edit: ("hedge =", "keyed = true\nhedge ="),
        says: "POST is hedged",
    },
    Case {
        rule: "L19",
        severity: "warning",
        fires: one!(
            "",
            "methods = [\"GET\"]",
            "[assume.routes.\"/pay\"]\nhedge = { after = \"p95\", cancels = false }"
        ),
        edit: ("cancels = false", "cancels = true"),
        says: "the slower of the two attempts is not cancelled",
    },
    Case {
        rule: "L20",
        severity: "error",
        fires: path!(
            "[[routes]]\npath = \"/pay\"\nupstream = \"payments\"\n",
            "[assume.upstreams.payments]\nfallback_to = [\"stock\"]\n",
            "[assume.upstreams.stock]\nfallback_to = [\"payments\"]\n"
        ),
        edit: ("fallback_to = [\"payments\"]", "workers = 1"),
        says: "payments → stock → payments",
    },
    Case {
        rule: "L20",
        severity: "error",
        fires: path!(
            "[[routes]]\npath = \"/pay\"\nupstream = \"payments\"\n",
            "[assume.upstreams.payments]\nfallback_to = [\"stock\"]\ndepends_on = [\"db\"]\n",
            "[assume.upstreams.stock]\ndepends_on = [\"db\"]\n"
        ),
        edit: (
            "[assume.upstreams.stock]\ndepends_on = [\"db\"]",
            "[assume.upstreams.stock]\ndepends_on = [\"db2\"]",
        ),
        says: "payments and its fallback stock both need db",
    },
    Case {
        rule: "L21",
        severity: "warning",
        fires: one!(
            "rate_limit = { rate = \"150/s\" }",
            "",
            "[assume.upstreams.payments]\ncapacity = 100"
        ),
        edit: ("\"150/s\"", "\"140/s\""),
        says: "150/s > 2 × 100/s × 70% = 140/s",
    },
    Case {
        rule: "L21",
        severity: "warning",
        fires: one!(
            "rate_limit = { rate = \"150/s\" }",
            "",
            "[assume.upstreams.payments]\ncapacity = 1000\ncost_spread = 20"
        ),
        edit: ("cost_spread = 20", "cost_spread = 10"),
        says: "dear calls cost 20 × cheap ones > 10",
    },
    Case {
        rule: "L22",
        severity: "warning",
        fires: concat!(
            "[upstreams.payments]\nendpoints = [\n",
            "  { address = \"10.0.0.1:1\", zone = \"a\" },\n",
            "  { address = \"10.0.0.2:1\", zone = \"b\" },\n",
            "  { address = \"10.0.0.3:1\", zone = \"c\" },\n]\n",
            "[assume.routes.\"/\"]\nrate = 180\n",
            "[assume.upstreams.payments]\ncapacity = 100\nworkers = 8\n"
        ),
        edit: ("rate = 180", "rate = 140"),
        says: "180/s > 3 × 66.7% × 100/s × 70% = 140/s",
    },
    Case {
        rule: "L23",
        severity: "warning",
        fires: concat!(
            "[upstreams.payments]\nendpoints = [\"10.0.0.1:1\"]\n",
            "budget = { ratio = \"100%\", floor = \"100/s\" }\n",
            "[assume]\nround_trip = \"200ms\"\n",
            "[assume.routes.\"/\"]\nrate = 40\n",
            "[assume.upstreams.payments]\nslowdown = { alone = \"1s\", each = \"10ms\" }\n"
        ),
        edit: ("floor = \"100/s\" }", "floor = \"100/s\" }\nbulkhead = { permits = 100 }"),
        says: "40/s × 3 = 120/s > 64.3/s in time (180 at once ÷ 2.8 s)",
    },
    Case {
        rule: "L23",
        severity: "error",
        fires: one!(
            "",
            "",
            "[assume.routes.\"/pay\"]\nrate = 250\n[assume.upstreams.payments]\ncapacity = 100"
        ),
        edit: ("rate = 250", "rate = 230"),
        says: "250/s × 1.24 = 310/s > 300/s in time (3 replicas × 100/s)",
    },
    Case {
        rule: "L24",
        severity: "warning",
        fires: one!(
            "pool = { idle = \"5s\" }",
            "",
            "[assume.upstreams.payments]\nidle_timeout = \"5s\""
        ),
        edit: ("idle = \"5s\"", "idle = \"4990ms\""),
        says: "pool.idle 5s ≥ 5s − 1ms = 4.999s",
    },
    Case {
        rule: "L25",
        severity: "warning",
        fires: one!("", "", "[gateway]\ndrain = \"10s\"\n[assume]\nderegistration = \"5s\""),
        edit: ("drain = \"10s\"", "drain = \"15s\""),
        says: "announce 0us + drain 10s < 9.15s + 5s = 14.15s",
    },
    Case {
        rule: "L26",
        severity: "warning",
        fires: one!(
            "",
            "",
            "[assume.routes.\"/pay\"]\nrate = 1000\n[assume.upstreams.payments.cache]\n\
             ttl = \"60s\"\nkeys = 100\nrefill = \"500ms\"\nstale_if_error = true"
        ),
        edit: ("ttl =", "jitter = \"10%\"\nttl ="),
        says: "100 keys × max(1, 10/s × 500ms) = 500 refills at once, every 60s",
    },
    Case {
        rule: "L26",
        severity: "warning",
        fires: one!(
            "",
            "",
            "[assume.upstreams.payments.cache]\nttl = \"60s\"\njitter = \"10%\"\n\
             stale_if_error = false"
        ),
        edit: ("stale_if_error = false", "stale_if_error = true"),
        says: "entries live 60s and are never served after it",
    },
    Case {
        rule: "L27",
        severity: "error",
        fires: one!("", "", "[assume.faults.slow]\ntarget = \"payments\""),
        edit: ("target = \"payments\"", "ttl = \"10m\""),
        says: "it has neither a ttl nor a last day",
    },
    Case {
        rule: "L27",
        severity: "error",
        fires: one!("", "", "[assume]\nproduction = true\n[assume.faults.slow]\nttl = \"10m\""),
        edit: ("production = true", "production = false"),
        says: "it is enabled where real users are served",
    },
    Case {
        rule: "L27",
        severity: "error",
        fires: one!(
            "",
            "",
            "[assume]\ntoday = 2026-03-02\n[assume.faults.slow]\nexpires = 2026-03-01\n\
             enabled = false"
        ),
        edit: ("2026-03-01", "2026-03-02"),
        says: "its last day was 2026-03-01, and today is 2026-03-02",
    },
    Case {
        rule: "L28",
        severity: "warning",
        fires: one!(
            "breaker = { mode = \"shadow\" }",
            "",
            "[assume]\ntoday = 2026-03-16\nshadow_since = 2026-03-01"
        ),
        edit: ("2026-03-16", "2026-03-15"),
        says: "15 days since 2026-03-01 > 14",
    },
    Case {
        rule: "L29",
        severity: "info",
        fires: one!("[policies.money]\nclass = \"batch\"", "", ""),
        edit: ("upstream = \"payments\"", "upstream = \"payments\"\npolicy = \"money\""),
        says: "no route says policy = \"money\"",
    },
    Case {
        rule: "L30",
        severity: "warning",
        fires: one!("overrides = [{ status = 429, class = \"failure\" }]", "", ""),
        edit: ("status = 429", "status = 404"),
        says: "429 counts as a failure of payments",
    },
];
