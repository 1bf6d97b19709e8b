import { runProgram } from './commands.ts'

/**
 * What every namespace of a job begins with, as lines of a shell in it. As in Docker's, any user may bind any
 * port and use `ping`, also from a user namespace, where the kernel honours no capability for it. `::1` is on
 * the loopback interface wherever the kernel has IPv6, whatever the machine's own interfaces have.
 */
export const NAMESPACE_BASICS: readonly string[] = [
  'cd /proc/sys/net',
  'echo 0 >ipv4/ip_unprivileged_port_start',
  // All groups; as root of a user namespace, those that it has.
  '{ echo "0 2147483647" >ipv4/ping_group_range || echo "0 65535" >ipv4/ping_group_range || echo "0 0" >ipv4/ping_group_range; } 2>/dev/null || :',
  '[ ! -e ipv6/conf/lo/disable_ipv6 ] || echo 0 >ipv6/conf/lo/disable_ipv6',
]

/** A command of a shell that runs lines of ip(8) in one process. */
export function ipBatch(lines: readonly string[], options: readonly string[] = []): string {
  return `ip ${[...options, '-batch', '-'].join(' ')} <<'END'\n${lines.join('\n')}\nEND`
}

/** A command of a shell that runs further lines where `enter` leads, and ends with the first that fails. */
export function nested(enter: readonly string[], lines: readonly string[]): string {
  return `${[...enter, 'sh', '-e', '-s'].join(' ')} <<'INSIDE'\n${lines.join('\n')}\nINSIDE`
}

/** Runs lines of a shell where `enter` leads, and ends with the first that fails. */
export async function runInside(enter: readonly string[], lines: readonly string[]): Promise<void> {
  const [command, ...args] = [...enter, 'sh', '-e', '-s']
  await runProgram(command, args, `${lines.join('\n')}\n`)
}
