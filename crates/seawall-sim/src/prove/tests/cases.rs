//! Configs that fire a rule each, with the numbers of the worked examples.

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

/// A rule, and a config that fires it.
pub(super) const TEXTS: &[(&str, &str)] = &[
    (
        "L1",
        path!(
            "[[routes]]\npath = \"/pay\"\nupstream = \"payments\"\nretry = \"off\"\n",
            "timeouts = { total = \"5s\", attempt = \"800ms\" }\n",
            "[[routes]]\npath = \"/stock\"\nupstream = \"stock\"\nretry = { max_attempts = 3 }\n",
            "timeouts = { total = \"2s\", attempt = \"500ms\" }\n",
            "[assume.upstreams.payments]\ncalls = [\"/stock\"]\n"
        ),
    ),
    (
        "L1",
        path!(
            "[[routes]]\npath = \"/pay\"\nupstream = \"payments\"\nretry = \"off\"\n",
            "timeouts = { total = \"5s\", attempt = \"800ms\" }\n",
            "[[routes]]\npath = \"/stock\"\nupstream = \"stock\"\nretry = { max_attempts = 2 }\n",
            "timeouts = { total = \"1s\", attempt = \"500ms\" }\n",
            "[assume.upstreams.payments]\ncalls = [\"/stock\"]\n"
        ),
    ),
    (
        "L1",
        path!(
            "[[routes]]\npath = \"/pay\"\nupstream = \"payments\"\nretry = \"off\"\n",
            "timeouts = { total = \"5s\", attempt = \"800ms\" }\n",
            "[[routes]]\npath = \"/stock\"\nupstream = \"stock\"\n",
            "[assume.upstreams.payments]\ncalls = [\"/stock\"]\npasses_deadline = true\n"
        ),
    ),
    ("L2", one!("", "timeouts = { total = \"1s\", attempt = \"400ms\" }", "")),
    (
        "L3",
        one!(
            "",
            "retry = { max_attempts = 4 }\ntimeouts = { total = \"10s\", attempt = \"2s\" }",
            ""
        ),
    ),
    ("L4", one!("", "", "[assume.routes.\"/pay\"]\nrate = 20")),
    ("L4", one!("", "", "[assume.routes.\"/pay\"]\nrate = 500\nquiet_rate = \"20/s\"")),
    (
        "L5",
        path!(
            "[[routes]]\npath = \"/pay\"\nupstream = \"payments\"\n",
            "timeouts = { total = \"40s\", attempt = \"12s\" }\n",
            "[[routes]]\npath = \"/stock\"\nupstream = \"stock\"\n",
            "[assume.upstreams.payments]\ncalls = [\"/stock\"]\n"
        ),
    ),
    // What the limits of endpoints would mend is shown without them.
    ("L6", one!("endpoint_limit = \"off\"", "retry = { max_attempts = 3, jitter = \"none\" }", "")),
    ("L6", one!("", "retry = { backoff = \"none\" }", "")),
    (
        "L7",
        concat!(
            "[upstreams.payments]\nendpoints = [\"10.0.0.1:1\"]\n",
            "[[routes]]\npath = \"/\"\nupstream = \"payments\"\nretry = { max_attempts = 3 }\n",
            "[assume.upstreams.payments]\nreplicas = 3\neject_after = \"10s\"\n",
            "fail_after = \"10ms\"\n"
        ),
    ),
    (
        "L7",
        concat!(
            "[upstreams.payments]\nendpoints = [\"10.0.0.1:1\"]\n",
            "[assume.upstreams.payments]\nreplicas = 3\nfail_after = \"10ms\"\n",
            "[assume.routes.\"/\"]\nrate = 50\n"
        ),
    ),
    ("L8", one!("", "", "[assume.routes.\"/pay\"]\ncallers_retry = [\"503\", \"silence\"]")),
    (
        "L8",
        one!(
            "",
            "methods = [\"GET\", \"PATCH\"]",
            "[assume.routes.\"/pay\"]\ncallers_retry = [\"silence\"]\nkeyed = false"
        ),
    ),
    (
        "L8",
        one!(
            "",
            "methods = [\"POST\"]",
            "[assume.routes.\"/pay\"]\ncallers_retry = [\"refused\", \"504\"]"
        ),
    ),
    ("L9", one!("", "", "[assume.routes.\"/pay\"]\nrate = \"30/min\"")),
    (
        "L9",
        one!(
            "breaker = { failure_rate = \"off\", consecutive = 5 }\nendpoint_breaker = \"off\"",
            "",
            "[assume.routes.\"/pay\"]\nrate = 1\nfailure_rate = \"50%\"\ndetect_within = \"20s\""
        ),
    ),
    (
        "L9",
        one!(
            "breaker = { failure_rate = \"80%\" }\nendpoint_breaker = \"off\"",
            "",
            "[assume.routes.\"/pay\"]\nrate = 100\nfailure_rate = \"30%\""
        ),
    ),
    (
        "L9",
        one!(
            "overrides = [{ status = 500, class = \"ignored\" }]",
            "",
            "[assume.upstreams.payments]\nfails_with = [\"500\", \"501\"]"
        ),
    ),
    (
        "L10",
        one!(
            "breaker = { min_calls = 5 }",
            "",
            "[assume.upstreams.payments]\nusual_failures = \"5%\""
        ),
    ),
    ("L11", one!("", "", "[assume.upstreams.payments]\nshards = 4")),
    (
        "L12",
        one!(
            "bulkhead = { permits = 20, queue = 0 }",
            "",
            "[assume.routes.\"/pay\"]\nrate = 100\n[assume.upstreams.payments.latency]\n\
             mean = \"200ms\""
        ),
    ),
    (
        "L13",
        one!(
            "bulkhead = { permits = 1024 }",
            "timeouts = { total = \"2s\", attempt = \"2s\" }\nretry = \"off\"",
            "[assume.routes.\"/pay\"]\nrate = 200"
        ),
    ),
    ("L13", one!("bulkhead = { permits = 31 }\npool = { connections = 10, idle_max = 5 }", "", "")),
    (
        "L14",
        one!(
            "endpoint_limit = \"off\"",
            "timeouts = { total = \"10s\", attempt = \"1200ms\" }",
            "[assume.upstreams.payments]\nqueue = 1000\nworkers = 20\n\
             latency = { mean = \"50ms\", p99 = \"200ms\" }"
        ),
    ),
    ("L14", one!("bulkhead = { permits = 9, max_wait = \"10s\" }", "", "")),
    ("L15", one!("ejection = { max_ejected = \"10%\", cap = \"strict\" }", "", "")),
    ("L15", one!("ejection = { min_healthy = 3 }", "", "")),
    (
        "L15",
        concat!(
            "[upstreams.payments]\nendpoints = [\"10.0.0.1:1\"]\n",
            "ejection = { consecutive = 3 }\n"
        ),
    ),
    ("L15", one!("balance = { panic_threshold = \"70%\" }", "", "")),
    (
        "L16",
        one!(
            "health_check = { tcp = true, every = \"5s\" }",
            "",
            "[assume.routes.\"/pay\"]\nrate = 1\ndetect_within = \"12s\""
        ),
    ),
    ("L16", one!("health_check = { tcp = true, every = \"1s\", timeout = \"1s\" }", "", "")),
    (
        "L16",
        one!(
            "ejection = \"off\"\nendpoint_breaker = \"off\"",
            "",
            "[assume.routes.\"/pay\"]\nrate = 100\ndetect_within = \"12s\""
        ),
    ),
    (
        "L17",
        one!(
            "health_check = { tcp = true, every = \"1s\", timeout = \"500ms\" }",
            "",
            "[assume]\ngateways = 200\n[assume.upstreams.payments]\ncapacity = 500"
        ),
    ),
    (
        "L18",
        one!("", "", "[assume]\ngateways = 20\n[assume.upstreams.payments]\ncold_concurrency = 19"),
    ),
    (
        "L18",
        one!(
            "slow_start = \"off\"",
            "",
            "[assume.routes.\"/pay\"]\nrate = 300\n[assume.upstreams.payments]\ncold_capacity = 50"
        ),
    ),
    (
        "L19",
        one!(
            "",
            "methods = [\"GET\"]",
            "[assume.routes.\"/pay\"]\nhedge = { after = \"40ms\" }\n[assume.upstreams.payments]\n\
             latency = { p50 = \"40ms\", p99 = \"300ms\" }"
        ),
    ),
    (
        "L19",
        one!("", "methods = [\"GET\"]", "[assume.routes.\"/pay\"]\nhedge = { after = \"3s\" }"),
    ),
    ("L19", one!("", "", "[assume.routes.\"/pay\"]\nhedge = { after = \"p95\" }")),
    (
        "L19",
        one!(
            "",
            "methods = [\"GET\"]",
            "[assume.routes.\"/pay\"]\nhedge = { after = \"p95\", cancels = false }"
        ),
    ),
    (
        "L20",
        path!(
            "[[routes]]\npath = \"/pay\"\nupstream = \"payments\"\n",
            "[assume.upstreams.payments]\nfallback_to = [\"stock\"]\n",
            "[assume.upstreams.stock]\nfallback_to = [\"payments\"]\n"
        ),
    ),
    (
        "L20",
        path!(
            "[[routes]]\npath = \"/pay\"\nupstream = \"payments\"\n",
            "[assume.upstreams.payments]\nfallback_to = [\"stock\"]\ndepends_on = [\"db\"]\n",
            "[assume.upstreams.stock]\ndepends_on = [\"db\"]\n"
        ),
    ),
    (
        "L21",
        one!(
            "rate_limit = { rate = \"150/s\" }",
            "",
            "[assume.upstreams.payments]\ncapacity = 100"
        ),
    ),
    (
        "L21",
        one!(
            "rate_limit = { rate = \"150/s\" }",
            "",
            "[assume.upstreams.payments]\ncapacity = 1000\ncost_spread = 20"
        ),
    ),
    (
        "L22",
        concat!(
            "[upstreams.payments]\nendpoints = [\n",
            "  { address = \"10.0.0.1:1\", zone = \"a\" },\n",
            "  { address = \"10.0.0.2:1\", zone = \"b\" },\n",
            "  { address = \"10.0.0.3:1\", zone = \"c\" },\n]\n",
            "[assume.routes.\"/\"]\nrate = 180\n",
            "[assume.upstreams.payments]\ncapacity = 100\nworkers = 8\n"
        ),
    ),
    (
        "L23",
        concat!(
            "[upstreams.payments]\nendpoints = [\"10.0.0.1:1\"]\n",
            "budget = { ratio = \"100%\", floor = \"100/s\" }\n",
            "[assume]\nround_trip = \"200ms\"\n",
            "[assume.routes.\"/\"]\nrate = 40\n",
            "[assume.upstreams.payments]\nslowdown = { alone = \"1s\", each = \"10ms\" }\n"
        ),
    ),
    (
        "L23",
        one!(
            "",
            "",
            "[assume.routes.\"/pay\"]\nrate = 250\n[assume.upstreams.payments]\ncapacity = 100"
        ),
    ),
    (
        "L24",
        one!("pool = { idle = \"5s\" }", "", "[assume.upstreams.payments]\nidle_timeout = \"5s\""),
    ),
    ("L25", one!("", "", "[gateway]\ndrain = \"10s\"\n[assume]\nderegistration = \"5s\"")),
    (
        "L26",
        one!(
            "",
            "",
            "[assume.routes.\"/pay\"]\nrate = 1000\n[assume.upstreams.payments.cache]\n\
             ttl = \"60s\"\nkeys = 100\nrefill = \"500ms\"\nstale_if_error = true"
        ),
    ),
    (
        "L26",
        one!(
            "",
            "",
            "[assume.upstreams.payments.cache]\nttl = \"60s\"\njitter = \"10%\"\n\
             stale_if_error = false"
        ),
    ),
    ("L27", one!("", "", "[assume.faults.slow]\ntarget = \"payments\"")),
    ("L27", one!("", "", "[assume]\nproduction = true\n[assume.faults.slow]\nttl = \"10m\"")),
    (
        "L27",
        one!(
            "",
            "",
            "[assume]\ntoday = 2026-03-02\n[assume.faults.slow]\nexpires = 2026-03-01\n\
             enabled = false"
        ),
    ),
    (
        "L28",
        one!(
            "breaker = { mode = \"shadow\" }",
            "",
            "[assume]\ntoday = 2026-03-16\nshadow_since = 2026-03-01"
        ),
    ),
    ("L29", one!("[policies.money]\nclass = \"batch\"", "", "")),
    ("L30", one!("overrides = [{ status = 429, class = \"failure\" }]", "", "")),
];
