import { startDocker } from '../support/services/docker.ts'
import { startPodman } from '../support/services/podman.ts'
import { startPostgres } from '../support/services/postgres.ts'
import { startRabbitmq } from '../support/services/rabbitmq.ts'
import type { StartService } from '../support/services/service.ts'

/** Something that Narwhal works with, and the suite that says whether it does. */
export interface Server {
  readonly name: string
  /** What `--only` calls it. */
  readonly word: string
  /** Its Debian packages; the version of the first is its version. */
  readonly packages: readonly [string, ...string[]]
  /** A pattern for the package that has the version, where the first only points to it. */
  readonly versioned?: string
  /** Has a system and a network of its own: its tests run with each program of the kind, and make rules. */
  readonly isAlone?: boolean
  /** Absent: it is no server but a program, and the tests run where it is. */
  readonly start?: StartService
  readonly suite: string
  /** Patterns of the suite's test files. */
  readonly files: readonly string[]
}

const ENGINE = {
  suite: 'executor',
  files: ['src/runner/executor/docker/**/*.test.ts', 'src/runner/watchdog/*.test.ts'],
}

/** What starts containers without an engine, besides the runtime. */
const RUNTIME = {
  isAlone: true,
  suite: 'executor',
  files: ['src/runner/executor/oci/**/*.test.ts', 'src/runner/watchdog/*.test.ts'],
}
const WITH_RUNTIME = ['skopeo', 'busybox-static', 'iproute2', 'nftables', 'procps'] as const

export const SERVERS: readonly Server[] = [
  {
    name: 'RabbitMQ',
    word: 'rabbitmq',
    packages: ['rabbitmq-server'],
    start: startRabbitmq,
    suite: 'broker',
    files: ['src/broker/*.test.ts'],
  },
  {
    name: 'PostgreSQL',
    word: 'postgres',
    packages: ['postgresql'],
    versioned: 'postgresql-[1-9]*',
    start: startPostgres,
    suite: 'store',
    files: [
      'src/store/postgres.test.ts',
      'src/store/postgres/{open-postgres,take-over}.test.ts',
      'src/store/migrations/*.test.ts',
    ],
  },
  {
    name: 'Docker Engine',
    word: 'docker',
    packages: ['docker.io', 'ca-certificates'],
    start: startDocker,
    ...ENGINE,
  },
  {
    name: 'Podman',
    word: 'podman',
    packages: [
      'podman',
      'catatonit',
      'crun',
      'runc',
      'netavark',
      'aardvark-dns',
      'iptables',
      'nftables',
    ],
    start: startPodman,
    ...ENGINE,
  },
  { name: 'crun', word: 'crun', packages: ['crun', ...WITH_RUNTIME], ...RUNTIME },
  { name: 'runc', word: 'runc', packages: ['runc', ...WITH_RUNTIME], ...RUNTIME },
  {
    name: 'git',
    word: 'git',
    packages: ['git', 'openssh-client'],
    suite: 'fetch',
    files: [
      'src/runner/mirror/*.test.ts',
      'src/runner/checkout/**/*.test.ts',
      'src/lib/git/*.test.ts',
    ],
  },
  {
    name: 'gitolite',
    word: 'gitolite',
    packages: ['gitolite3', 'openssh-server', 'openssh-client', 'git'],
    suite: 'fetch',
    files: ['test/compat/git/gitolite.test.ts'],
  },
  {
    name: 'dulwich',
    word: 'dulwich',
    packages: ['python3-dulwich', 'git'],
    suite: 'fetch',
    files: ['test/compat/git/dulwich.test.ts'],
  },
  {
    name: 'JGit',
    word: 'jgit',
    packages: ['jgit-cli', 'default-jre-headless', 'openssh-server', 'openssh-client', 'git'],
    suite: 'fetch',
    files: ['test/compat/git/jgit.test.ts'],
  },
]
