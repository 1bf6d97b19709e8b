import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { limits } from './limits.ts'
import { parsePipelineFile } from './parse-pipeline-file.ts'

const list = (length: number, item: (i: number) => string): string =>
  Array.from({ length }, (_, i) => item(i)).join('')

/** Nine aliases on each of nine levels: 9^9 values. */
const laughs = list(9, (i) => {
  const item = i === 0 ? 'x' : `*l${i - 1}`
  return `l${i}: &l${i} [${list(9, () => `${item}, `)}]\n`
})

const ATTACKS: readonly (readonly [string, string, RegExp])[] = [
  ['billion laughs', laughs, /contains more than 50000 values, counting each alias/],
  [
    'a quadratic blow-up of text',
    `a: &a ${'x'.repeat(900_000)}\nsteps: [${list(90, () => '*a, ')}]`,
    /contains more than 4194304 characters/,
  ],
  [
    'a chain of aliases that nests deeper than the text',
    `- &a0 [x]\n${list(60, (i) => `- &a${i + 1} [*a${i}]\n`)}`,
    /nested deeper than 50 levels by its aliases/,
  ],
  [
    'merges of a large mapping',
    `a: &a {${list(20_000, (i) => `k${i}: 1, `)}}\n${list(99, (i) => `b${i}: { <<: *a }\n`)}`,
    /more than 50000 values/,
  ],
  [
    'a chain of merges',
    `a0: &a0 { x: 1 }\n${list(90, (i) => `a${i + 1}: &a${i + 1} { <<: [*a${i}], k${i}: 1 }\n`)}`,
    /a0 is not a key|steps is missing/,
  ],
  [
    'an env for five hundred jobs',
    `env: { A: ${'x'.repeat(20_000)} }\njobs:\n${list(500, (i) => ` j${i}: { steps: [a] }\n`)}`,
    /env is too much text for 500 jobs/,
  ],
  ['101 aliases', `a: &a x\nsteps: [${list(101, () => '*a, ')}]`, /more than 100 aliases/],
  ['deep lists', '['.repeat(100_000), /nested deeper than 50 levels/],
  ['deep mappings', '{a: '.repeat(100_000), /nested deeper than 50 levels/],
  ['deep lists in one line', `${'- '.repeat(100_000)}a`, /nested deeper than 50 levels/],
  ['deep explicit keys', `${'? '.repeat(100_000)}a`, /nested deeper than 50 levels/],
  ['deep indentation', list(1_000, (i) => `${' '.repeat(i)}a:\n`), /nested deeper than 50 levels/],
  ['a file of 100 MB', `a: ${'x'.repeat(100 * 1024 * 1024)}`, /more than 1048576 bytes/],
  [
    'a file that is too large in bytes only',
    `# ${'🐋'.repeat(300_000)}`,
    /more than 1048576 bytes/,
  ],
  ['a million keys', list(1_000_000, (i) => `k${i}: 1\n`), /more than 1048576 bytes/],
  ['a hundred thousand keys', list(100_000, (i) => `k${i}:\n`), /more than 50000 values/],
  ['a hundred thousand items', `[${'1,'.repeat(100_000)}]`, /more than 50000 values/],
  ['empty lines', '\n'.repeat(1_000_000), /too long: at most 250000 words/],
  ['empty items', '-\n'.repeat(500_000), /too long: at most 250000 words/],
  ['documents', '---\n'.repeat(250_000), /too long: at most 250000 words/],
  ['anchors', '&a '.repeat(300_000), /too long: at most 250000 words/],
  ['a key of a megabyte', `"${'k'.repeat(900_000)}": 1`, /can't be read as YAML/],
  ['501 jobs', `jobs:\n${list(501, (i) => ` j${i}: { steps: [a] }\n`)}`, /at most 500 jobs/],
  ['201 steps', `steps: [${list(201, () => 'a, ')}]`, /steps must have at most 200 entries/],
  [
    'a long circle',
    `jobs:\n${list(500, (i) => ` j${i}: { steps: [a], needs: j${(i + 1) % 500} }\n`)}`,
    /forms a cycle.*j0 → j1 → .* → … → j0$/,
  ],
]

for (const [name, text, expected] of ATTACKS) {
  test(`refuses ${name}`, () => {
    const parsed = parsePipelineFile(text)
    assert.ok(!parsed.ok)
    const messages = parsed.problems.map(({ message }) => message)
    assert.ok(
      messages.some((message) => expected.test(message)),
      messages.slice(0, 3).join('\n'),
    )
    checkProblems(text)
  })
}

test('reads a file that is as large as is allowed', () => {
  const steps = list(200, (i) => `      - { name: s${i}, command: make, env: { A: ${i} } }\n`)
  const parsed = parsePipelineFile(
    `jobs:\n${list(20, (i) => `  j${i}:\n    steps:\n${steps}`)}${list(
      480,
      (i) => `  k${i}: { steps: [a], needs: j${i % 20} }\n`,
    )}`,
  )
  assert.ok(parsed.ok, JSON.stringify(parsed).slice(0, 500))
  assert.equal(parsed.plan.jobs.length, 500)
})

/** What holds for every text: no exception, and few problems that are sorted and can be shown. */
function checkProblems(text: string): void {
  const parsed = parsePipelineFile(text)
  if (parsed.ok) return checkPlan(parsed.plan)
  const { problems } = parsed
  assert.ok(problems.length > 0 && problems.length <= limits.problems + 1)
  let before = 0
  for (const { message, line, column, excerpt } of problems) {
    assert.ok(message.length > 0 && message.length <= 501)
    assert.ok(line >= 1 && column >= 1)
    const place = line * 2 ** 21 + column
    assert.ok(place >= before)
    before = place
    assert.doesNotMatch(message + excerpt.replace('\n', ''), /[\p{Cc}\p{Cs}]/u)
  }
}

function checkPlan({
  jobs,
}: {
  jobs: readonly { name: string; steps: readonly unknown[] }[]
}): void {
  assert.ok(jobs.length > 0)
  assert.equal(new Set(jobs.map(({ name }) => name)).size, jobs.length)
  for (const { steps } of jobs) assert.ok(steps.length > 0)
}

const KEYS = ['name', 'image', 'env', 'jobs', 'steps', 'needs', 'labels', 'command', 'dependencies']
const ODD_KEYS = ['__proto__', 'constructor', '<<', '', 'a b', '1', 'null', 'scirpt']

test('never throws at any text', () => {
  const scraps = [...KEYS, ...ODD_KEYS, ':', ': ', '- ', '\n', '  ', '\t', '[', ']', '{', '}', ',']
  const signs = [
    '&a ',
    '*a',
    '!',
    '!!',
    '!x ',
    '|\n',
    '>-\n',
    '#',
    '"',
    "'",
    '? ',
    '---\n',
    '...\n',
  ]
  const odd = [
    '%YAML 1.1\n',
    '\r\n',
    '\0',
    '\ufeff',
    '\ud800',
    '\u2028',
    '\u001b[31m',
    '0x',
    '.nan',
  ]
  const word = fc.constantFrom(...scraps, ...signs, ...odd)
  const text = fc.array(fc.oneof(word, fc.string({ unit: 'binary', maxLength: 4 })), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(text, (parts) => checkProblems(parts.join(''))),
    { numRuns: 500 },
  )
})

/** Anything that has the outline of a file, with anything in its places. */
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom('a', 'make', 'b', '', 'node:24', '1.10', '<<'),
    fc.jsonValue({ maxDepth: 1 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...KEYS, ...ODD_KEYS, 'a', 'b'), tie('value'), { maxKeys: 5 }),
  ),
}))

test('never throws at any values', () => {
  const file = fc.dictionary(fc.constantFrom(...KEYS, 'a'), value, { minKeys: 1, maxKeys: 5 })
  fc.assert(
    fc.property(fc.oneof(file, value), (given) => {
      checkProblems(stringify(given))
      checkProblems(JSON.stringify(given))
    }),
    { numRuns: 500 },
  )
})

test('reads every right file as it was meant, however it is written', () => {
  const script = fc
    .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 })
    .map((s) => `x${s}`)
  const env = fc.dictionary(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,5}$/), fc.string(), {
    maxKeys: 3,
  })
  const steps = fc.array(fc.record({ command: script, env }), { minLength: 1, maxLength: 4 })
  const jobs = fc.dictionary(
    fc.stringMatching(/^[A-Za-z0-9_.-]{1,8}$/),
    fc.record({ env, steps }),
    {
      minKeys: 1,
      maxKeys: 4,
    },
  )
  fc.assert(
    fc.property(jobs, (given) => {
      for (const text of [stringify({ jobs: given }), JSON.stringify({ jobs: given })]) {
        const parsed = parsePipelineFile(text)
        // A NUL and a lone surrogate can't travel; fast-check's strings have neither here.
        assert.ok(parsed.ok, `${text}\n${JSON.stringify(parsed)}`)
        const found = parsed.plan.jobs.map((job) => [
          job.name,
          {
            env: job.env,
            steps: job.steps.map((step) => ({ command: step.command, env: step.env })),
          },
        ])
        assert.deepEqual(Object.fromEntries(found), JSON.parse(JSON.stringify(given)))
      }
    }),
  )
})
