import type { JobSpec } from '../../../src/core/plan/plan.ts'

export const REPOSITORIES = [
  'acme/storefront',
  'acme/search',
  'acme/billing',
  'ada/notes',
  'ada/dotfiles',
] as const
export const PEOPLE = [
  'Ada Lovelace',
  'Grace Hopper',
  'Alan Turing',
  'Radia Perlman',
  'Ken Thompson',
] as const
export const TITLES = [
  'Show prices with their currency',
  'Retry payments that timed out',
  'Cache search results per region',
  'Let the basket survive a reload',
  'Move the importer to streams',
  'Refuse coupons that have expired',
  'Fix a race between checkout and stock',
  'Upgrade the database driver',
  'Say which field is wrong in a form',
  'Measure the time to the first byte',
] as const

export interface JobScript {
  readonly spec: Partial<JobSpec>
  readonly state: 'success' | 'failure' | 'running' | 'queued' | 'blocked' | 'skipped'
  /** Relative to the pipeline's start. */
  readonly startMs: number
  readonly waitMs: number
  readonly stepMs: readonly number[]
  readonly failsAt: number
  readonly logs: readonly (readonly string[])[]
}

const step = (name: string, command: string) => ({ name, command, dependencies: [], env: {} })

const job = (
  name: string,
  needs: readonly string[],
  steps: JobSpec['steps'],
  more: Partial<JobSpec> = {},
): Partial<JobSpec> => ({
  name,
  needs,
  steps,
  image: 'node:24',
  ...more,
})

const INSTALL = step('install', 'npm ci')

const SPECS = {
  lint: job('lint', [], [INSTALL, step('lint', 'npm run lint')]),
  types: job('types', [], [INSTALL, step('types', 'npm run types')]),
  build: job('build', [], [INSTALL, step('build', 'npm run build')]),
  unit: job(
    'unit tests',
    ['build'],
    [INSTALL, step('test', 'npm test'), step('coverage', 'npm run coverage')],
  ),
  e2e: job('e2e', ['build'], [INSTALL, step('browser tests', 'npm run e2e')]),
  image: job('image', ['unit tests', 'lint', 'types'], [step('build image', 'docker build .')]),
  deploy: job('deploy staging', ['image', 'e2e'], [step('deploy', './deploy staging')], {
    concurrency: { group: 'staging', limit: 1 },
  }),
} as const

/** A typical pipeline with seven jobs. */
export function jobScripts(
  outcome: 'success' | 'failure' | 'running',
  random: () => number,
): JobScript[] {
  const about = (ms: number) => Math.round(ms * (0.8 + 0.5 * random()))
  const isRunning = outcome === 'running'
  const isFailure = outcome === 'failure'
  const [packages, build, test] = [about(6_000), about(24_000), about(52_000)]
  const script = (
    spec: Partial<JobSpec>,
    startMs: number,
    parts: readonly (readonly [number, readonly string[]])[],
  ): JobScript => ({
    spec,
    state: 'success',
    startMs,
    waitMs: about(700),
    stepMs: parts.map(([ms]) => ms),
    failsAt: 1,
    logs: parts.map(([, log]) => log),
  })
  const install = [packages, installLog()] as const
  const tests = isFailure ? failedLog() : testLog()
  const last = build + packages + test + 8_000
  const unit = script(SPECS.unit, build + 3_000, [install, [test, tests], [3_000, coverageLog()]])
  const e2e = script(SPECS.e2e, build + 3_400, [install, [about(70_000), testLog()]])
  const image = script(SPECS.image, last, [[about(14_000), buildLog()]])
  const deploy = script(SPECS.deploy, last + 84_000, [[about(8_000), deployLog()]])
  const later = isFailure ? 'skipped' : isRunning ? 'blocked' : 'success'
  return [
    script(SPECS.lint, 0, [install, [about(9_000), goodLog('412 files, no problems')]]),
    script(SPECS.types, 100, [install, [about(14_000), goodLog('no errors')]]),
    script(SPECS.build, 60, [install, [build - packages, buildLog()]]),
    { ...unit, state: isFailure ? 'failure' : isRunning ? 'running' : 'success' },
    { ...e2e, state: isRunning ? 'queued' : 'success' },
    { ...image, state: later },
    { ...deploy, state: later },
  ]
}

function goodLog(words: string): string[] {
  return [`\u001b[32m✔\u001b[0m ${words}`]
}

function deployLog(): string[] {
  return ['Rolling out 3 of 3 …', '\u001b[32mHealthy\u001b[0m']
}

function installLog(): string[] {
  return [
    '\u001b[90m> npm ci\u001b[0m',
    '',
    'added 812 packages in 5s',
    '',
    '142 packages are looking for funding',
  ]
}

function buildLog(): string[] {
  const chunks = Array.from(
    { length: 24 },
    (_, n) =>
      `\u001b[90mdist/assets/\u001b[0m\u001b[36mchunk-${(n * 7919).toString(16).padStart(6, '0')}.js\u001b[0m  ${(12 + n * 3.1).toFixed(2)} kB`,
  )
  return [
    'vite building for production…',
    '\u001b[32m✓\u001b[0m 1284 modules transformed.',
    ...chunks,
    '\u001b[32m✓ built in 18.42s\u001b[0m',
  ]
}

function testLog(): string[] {
  const words = ['basket', 'prices', 'coupons', 'checkout', 'search', 'stock', 'login', 'mail']
  return Array.from({ length: 1_400 }, (_, n) => {
    const word = words[n % words.length]
    return `\u001b[32m✔\u001b[0m ${word}: keeps its promise number ${n} \u001b[90m(${(n * 13) % 90}ms)\u001b[0m`
  })
}

function failedLog(): string[] {
  return [
    ...testLog().slice(0, 800),
    '\u001b[31m✖ checkout: takes the last one from stock only once\u001b[0m \u001b[90m(214ms)\u001b[0m',
    '',
    '  \u001b[31mAssertionError [ERR_ASSERTION]: Expected values to be strictly equal:\u001b[0m',
    '',
    '  \u001b[32m+ actual\u001b[0m \u001b[31m- expected\u001b[0m',
    '',
    '  \u001b[32m+ 2\u001b[0m',
    '  \u001b[31m- 1\u001b[0m',
    '',
    '      at checkout (src/checkout/reserve.test.ts:88:10)',
    '      at async Test.run (node:internal/test_runner/test:1104:7)',
    '',
    'ℹ tests 801',
    'ℹ pass 800',
    '\u001b[31mℹ fail 1\u001b[0m',
  ]
}

function coverageLog(): string[] {
  return ['lines 94.1 %, branches 88.7 %']
}
