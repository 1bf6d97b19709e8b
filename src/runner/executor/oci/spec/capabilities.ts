/** What root in a container may do. */
export interface ContainerRights {
  /** Sorted, each once, with the prefix `CAP_`. */
  readonly capabilities: readonly string[]
  /** Whether set-user-id programs and file capabilities count (sudo, ping); else no-new-privileges. */
  readonly gainsPrivileges: boolean
}

/**
 * What building software needs: give files away and read them (CHOWN, DAC_OVERRIDE, FOWNER), become another
 * user as apt (`_apt`) and package scripts do (SETUID, SETGID), and stop their processes (KILL).
 */
const STRICT: readonly string[] = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETUID', 'SETGID', 'KILL']

const DOCKER: readonly string[] = [
  ...STRICT,
  'FSETID',
  'SETPCAP',
  'SETFCAP',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SYS_CHROOT',
  'MKNOD',
  'AUDIT_WRITE',
]

/**
 * For strangers, and wherever the container's root is the machine's. `further`: by their names without
 * `CAP_`, such as those by which a supervisor keeps apart from its steps.
 */
export function strictRights(further: readonly string[] = []): ContainerRights {
  return { capabilities: named([...STRICT, ...further]), gainsPrivileges: false }
}

/**
 * Docker's default. Only in a user namespace of the container's own, where its root is nobody outside; then
 * Docker's other protection, that privileges can't be gained, would only break programs.
 */
export function dockerRights(further: readonly string[] = []): ContainerRights {
  return { capabilities: named([...DOCKER, ...further]), gainsPrivileges: true }
}

function named(names: readonly string[]): readonly string[] {
  return [...new Set(names)].map((name) => `CAP_${name}`).sort()
}
