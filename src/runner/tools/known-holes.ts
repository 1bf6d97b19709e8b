/** A vulnerability of a program that isolates jobs or fetches commits. */
interface KnownHole {
  readonly id: string
  readonly what: string
  /** The first affected version; absent: all before the patched ones. */
  readonly since?: string
  /** The first patched version of each release line; later lines are patched, too. */
  readonly patchedIn: readonly string[]
}

export type ToolName = 'git' | 'bubblewrap' | 'runc' | 'crun' | 'docker'

/**
 * By the projects' own advisories; only escapes and privilege escalations. A distribution may have patched
 * a version without changing its number.
 */
const HOLES: Readonly<Record<ToolName, readonly KnownHole[]>> = {
  // https://github.com/git/git/security/advisories
  git: [
    {
      id: 'CVE-2025-48384',
      what: 'a submodule with a carriage return in its path is checked out elsewhere',
      patchedIn: ['2.43.7', '2.44.4', '2.45.4', '2.46.4', '2.47.3', '2.48.2', '2.49.1', '2.50.1'],
    },
  ],
  // https://github.com/containers/bubblewrap/security/advisories
  bubblewrap: [
    {
      id: 'CVE-2020-5291',
      what: 'where it is setuid, an ordinary user can become root',
      since: '0.4.0',
      patchedIn: ['0.4.1'],
    },
    {
      id: 'CVE-2026-41163',
      what: "where it is setuid, an ordinary user can mount over the host's files",
      since: '0.11.0',
      patchedIn: ['0.11.2'],
    },
    {
      id: 'CVE-2026-87766',
      what: "a symbolic link in a sandbox's sources makes it write to the host's files",
      patchedIn: ['0.12.0'],
    },
  ],
  // https://github.com/opencontainers/runc/security/advisories
  runc: [
    {
      id: 'CVE-2024-21626',
      what: "a leaked file descriptor gives a container access to the host's files",
      patchedIn: ['1.1.12'],
    },
    {
      id: 'CVE-2025-31133',
      what: 'a container can write to masked files of /proc, and so to the host',
      patchedIn: ['1.2.8', '1.3.3'],
    },
    {
      id: 'CVE-2026-41579',
      what: 'an image whose /dev is a symbolic link can delete and create files of the host',
      patchedIn: ['1.3.6', '1.4.3'],
    },
  ],
  // https://github.com/containers/crun/security/advisories
  crun: [
    {
      id: 'CVE-2025-24965',
      what: "an image for krun can write to the host's files",
      patchedIn: ['1.20'],
    },
    {
      id: 'CVE-2026-30892',
      what: 'a command that should run as user 1 runs as root',
      since: '1.19',
      patchedIn: ['1.27'],
    },
  ],
  // https://github.com/moby/moby/security/advisories
  docker: [
    {
      id: 'CVE-2024-29018',
      what: 'DNS queries from an internal network leave it',
      patchedIn: ['23.0.11', '25.0.5', '26.0.0'],
    },
    {
      id: 'CVE-2026-41567',
      what: "files copied into a container are unpacked by the container's own program, as root",
      patchedIn: ['29.5.1'],
    },
  ],
}

/** The known vulnerabilities of a version, each as `CVE-…: what it does (patched in …)`. */
export function knownHoles(tool: ToolName, version: string): readonly string[] {
  return HOLES[tool]
    .filter(
      ({ since = '0', patchedIn }) => isAtLeast(version, since) && !isPatched(version, patchedIn),
    )
    .map(({ id, what, patchedIn }) => `${id}: ${what} (patched in ${patchedIn.join(', ')})`)
}

/** Each release line (`1.2.x`) has its own patched version; anything newer than all of them is patched. */
function isPatched(version: string, patchedIn: readonly string[]): boolean {
  const own = numbersOf(version)
  const line = patchedIn.find((patched) => {
    const [major, minor] = numbersOf(patched)
    return major === own[0] && minor === own[1]
  })
  const needed = line ?? patchedIn.at(-1) ?? '0'
  return isAtLeast(version, needed)
}

function isAtLeast(version: string, least: string): boolean {
  return compare(numbersOf(version), numbersOf(least)) >= 0
}

function numbersOf(version: string): readonly number[] {
  return version.split('.').map((part) => Number.parseInt(part, 10) || 0)
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
