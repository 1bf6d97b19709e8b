import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { summary } from '../support/harness/report.ts'
import { installMissing } from '../support/services/install.ts'
import type { Unavailable } from '../support/services/service.ts'
import { debianRoot } from './debian-root.ts'
import { runSuite } from './run-suite.ts'
import { SERVERS, type Server } from './servers.ts'
import { type Missing, missingLines, type Run, table, totals } from './table.ts'

const words = SERVERS.map(({ word }) => word)
const CACHE_HOME = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')

/**
 * `npm run compat -- [option …]`: runs the contract suites against the versions of the servers that several
 * suites of Debian have, each started from a system in a folder of its own.
 *
 * --suites bookworm,trixie,sid  the suites of Debian, oldest first
 * --only git,postgres           some of the servers
 * --cache FOLDER                where the systems are kept for the next run
 * --fresh                       installs them again
 * --mirror URL                  of Debian; by default the one that this machine's apt uses
 * --times 3                     runs everything several times
 */
const { values } = parseArgs({
  options: {
    suites: { type: 'string', default: 'bookworm,trixie,sid' },
    only: { type: 'string', default: words.join(',') },
    cache: { type: 'string', default: join(CACHE_HOME, 'narwhal-compat') },
    fresh: { type: 'boolean', default: false },
    mirror: { type: 'string' },
    times: { type: 'string', default: '1' },
  },
})
const wanted = values.only.split(',').map((word) => {
  const server = SERVERS.find((one) => one.word === word)
  if (!server) throw new Error(`--only: no server is called ${word}; known: ${words.join(', ')}`)
  return server
})
const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort())
const say = (line: string): void => console.log(line)
const runs: (Run | Missing)[] = []
try {
  await runAll()
} catch (error) {
  if (!stop.signal.aborted) throw error
} finally {
  const files = runs.flatMap((run) => ('reason' in run ? [] : run.files))
  const { passed, failed, skipped } = totals(runs)
  const notes = [...missingLines(runs), ...(stop.signal.aborted ? ['stopped before the end'] : [])]
  const parts = [summary(files), table(runs), notes.join('\n')].filter((part) => part !== '')
  say(`\n${parts.join('\n\n')}\n\n${passed} passed, ${failed} failed, ${skipped} skipped`)
  process.exitCode = stop.signal.aborted ? 130 : passed > 0 && failed === 0 ? 0 : 1
}

async function runAll(): Promise<void> {
  await installMissing(['mmdebstrap', 'busybox', 'ip'], say, stop.signal)
  for (let time = 0; time < Number(values.times); time++) {
    for (const from of values.suites.split(',')) {
      for (const [server, root] of await rootsOf(from, values.fresh && time === 0)) {
        const { name, suite } = server
        const { signal } = stop
        runs.push(
          typeof root === 'string'
            ? await runSuite({ server, root, from, say, signal })
            : { server: name, from, suite, reason: root.unavailable },
        )
      }
    }
  }
}

/** One system for all that share one; if that can't be installed, one for each: a single package may be missing. */
async function rootsOf(
  suite: string,
  fresh: boolean,
): Promise<ReadonlyMap<Server, string | Unavailable>> {
  const { cache, mirror } = values
  const common = { suite, cache, fresh, say, signal: stop.signal, ...(mirror ? { mirror } : {}) }
  const install = (servers: readonly Server[]) =>
    debianRoot({ ...common, packages: servers.flatMap(({ packages }) => packages) })
  const sharing = wanted.filter(({ isAlone }) => !isAlone)
  const shared = sharing.length > 1 ? await install(sharing) : undefined
  const roots = new Map<Server, string | Unavailable>()
  for (const server of wanted) {
    const isIn = typeof shared === 'string' && !server.isAlone
    roots.set(server, isIn ? shared : await install([server]))
  }
  return roots
}
