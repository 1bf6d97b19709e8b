import type { Refusals } from '../../local/bounds/sandbox-cgroups.ts'

/**
 * A shell function that counts what a container's control groups (v2, v1) have refused since its start: memory, by
 * out-of-memory kills, and processes. Uses shell built-ins only.
 */
export const REFUSALS = `
narwhal_refusals() {
  narwhal_oom=0 narwhal_forks=0
  for narwhal_file in memory.events memory/memory.oom_control pids.events pids/pids.events; do
    [ -r "/sys/fs/cgroup/$narwhal_file" ] || continue
    while read -r narwhal_word narwhal_count; do
      case "$narwhal_file $narwhal_word" in
        memory*' oom_kill') narwhal_oom=$narwhal_count ;;
        pids*' max') narwhal_forks=$narwhal_count ;;
      esac
    done <"/sys/fs/cgroup/$narwhal_file"
  done
}
`
/** The function's variables besides those of scripts around it. */
export const REFUSALS_NAMES = 'narwhal_oom narwhal_forks narwhal_file narwhal_word narwhal_count'

export const NO_REFUSALS: Refusals = { oomKills: 0, forks: 0 }
