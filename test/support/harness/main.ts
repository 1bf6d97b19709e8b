import { globSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startServices } from '../services/start-services.ts'
import { attacksOf, catalogue } from './catalogue.ts'
import { countLine, fileLine, summary } from './report.ts'
import type { FileResult } from './result.ts'
import { runFiles } from './run-files.ts'

const PATTERNS = ['src', 'test', 'bench', 'scripts', 'ui/src'].map(
  (folder) => `${folder}/**/*.test.ts`,
)
/**
 * Those that start a dozen processes for a minute or more: first, so that they don't run alone at the end,
 * and never two concurrently.
 */
const isLong = (file: string): boolean => file.startsWith('test/faults/')
const TEST_TIMEOUT_MS = 120_000
/** Each file is a process of its own: what they all load is compiled once. */
const CACHE = join(process.cwd(), 'node_modules/.cache/narwhal')
const NO_SERVICES = 'started with --no-services'

/**
 * `npm test -- [--no-services] [word …]`: runs the test files whose path contains one of the words. With
 * `--catalogue` it ends with the list of the attacks that were tried, instead of the counts.
 */
const { values, positionals } = parseArgs({
  options: {
    'no-services': { type: 'boolean', default: false },
    catalogue: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort())

const root = process.cwd()
const files = globSync(PATTERNS, { cwd: root })
  .filter((file) => positionals.length === 0 || positionals.some((word) => file.includes(word)))
  .sort()
  .sort((a, b) => Number(isLong(b)) - Number(isLong(a)))
const results: FileResult[] = []
try {
  await runAll()
} catch (error) {
  if (!stop.signal.aborted) throw error
} finally {
  const nothing =
    files.length === 0 ? `no test file's path contains ${positionals.join(', ')}\n` : ''
  const stopped = stop.signal.aborted ? 'stopped before the end\n' : ''
  const end = values.catalogue ? catalogue(attacksOf(results)) : countLine(results)
  process.stdout.write(`\n${summary(results)}\n${nothing}${stopped}${end}\n`)
}
const ranAny = results.some(({ tests }) => tests.some(({ outcome }) => outcome !== 'skipped'))
const failedAny = results.some(({ tests }) => tests.some(({ outcome }) => outcome === 'failed'))
process.exitCode = stop.signal.aborted ? 130 : ranAny && !failedAny ? 0 : 1

async function runAll(): Promise<void> {
  if (files.length === 0) return
  await using services = values['no-services'] ? withoutServices() : await withServices()
  const env = { NODE_COMPILE_CACHE: CACHE, ...process.env, ...services.env }
  const options = { root, env, timeoutMs: TEST_TIMEOUT_MS, signal: stop.signal }
  await runFiles(files, isLong, options, (result) => {
    results.push(result)
    console.log(fileLine(result))
  })
}

function withServices() {
  return startServices((line) => console.log(line), stop.signal)
}

function withoutServices() {
  const names = ['POSTGRES', 'RABBITMQ', 'DOCKER']
  return {
    env: Object.fromEntries(names.map((name) => [`NARWHAL_TEST_SKIP_${name}`, NO_SERVICES])),
    [Symbol.asyncDispose]: async () => {},
  }
}
