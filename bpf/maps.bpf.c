/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "maps.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct map_ring data SEC(".maps");
struct map_ring ctl SEC(".maps");
struct map_cg_count cg_count SEC(".maps");
struct map_cg_used cg_used SEC(".maps");
struct map_conns conns SEC(".maps");
struct map_verdicts verdicts SEC(".maps");
struct map_scope scope SEC(".maps");
struct map_self self SEC(".maps");
struct map_rules rules SEC(".maps");
struct map_uids uids SEC(".maps");
struct map_exes exes SEC(".maps");
struct map_conn_keys conn_keys SEC(".maps");
struct map_conn_free conn_free SEC(".maps");
struct map_calls calls SEC(".maps");
struct map_cg_row cg_row SEC(".maps");
struct map_cg_out cg_out SEC(".maps");
struct map_socks socks SEC(".maps");
struct map_cg_free cg_free SEC(".maps");

const volatile __u32 supervisor = 0;
const volatile __u64 quota = 0;
const volatile __u16 plain_ports[PLAIN_PORTS] = { 0 };
const volatile __u32 hierarchy = 0;
const volatile __u32 controller = 0;
