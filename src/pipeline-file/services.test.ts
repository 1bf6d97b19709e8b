import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobFromJson, jobToJson } from '../contract/plan/plan-json.ts'
import { needsContainers, partsOf } from '../core/plan/plan.ts'
import { lintPipelineFile } from './lint/lint-pipeline-file.ts'
import { parsePipelineFile } from './parse-pipeline-file.ts'
import { showProblems } from './show-problems.ts'

test('reads networks, services, step images and background steps, and takes them over the wire', () => {
  const parsed = parsePipelineFile(`
jobs:
  full:
    network: none
    matrix: { version: [17, 18] }
    services:
      db:
        image: postgres:\${matrix.version}
        env: { POSTGRES_PASSWORD: test, LEVEL: 1.10 }
        command: ' postgres  -c fsync=off '
        ports: [5432]
        ready: pg_isready
      cache: { image: 'redis:8', command: [redis-server, --save, ''], ports: [6379, 6380] }
      slow: { image: 'slow:1', ready: { tcp: 80, timeout: 5m } }
      plain: { image: 'plain:1' }
    steps:
      - { name: server, command: ./serve, background: true }
      - { name: test, command: npm test, image: 'node:\${matrix.version}' }
  plain: { services: {}, steps: [{ command: x, background: false }] }
`)
  assert.ok(parsed.ok)
  const [full, other, plain] = parsed.plan.jobs
  assert.ok(full && other && plain)
  assert.equal(full.network, 'none')
  assert.deepEqual(full.services, [
    {
      name: 'db',
      image: 'postgres:17',
      env: { POSTGRES_PASSWORD: 'test', LEVEL: '1.10' },
      command: ['postgres', '-c', 'fsync=off'],
      ready: { command: 'pg_isready', timeoutMs: 120_000 },
    },
    {
      name: 'cache',
      image: 'redis:8',
      env: {},
      command: ['redis-server', '--save', ''],
      ready: { ports: [6379, 6380], timeoutMs: 120_000 },
    },
    { name: 'slow', image: 'slow:1', env: {}, ready: { ports: [80], timeoutMs: 300_000 } },
    { name: 'plain', image: 'plain:1', env: {} },
  ])
  assert.deepEqual(
    full.steps.map(({ image, background }) => [image, background]),
    [
      [undefined, true],
      ['node:17', undefined],
    ],
  )
  assert.equal(other.services?.[0]?.image, 'postgres:18')
  assert.deepEqual(partsOf(full).slice(0, 3), [
    { name: 'server', beside: true },
    { name: 'test' },
    { name: 'service db', beside: true },
  ])
  assert.deepEqual([needsContainers(full), needsContainers(plain)], [true, false])
  assert.deepEqual(Object.keys(plain).sort(), ['env', 'labels', 'name', 'needs', 'steps'])
  for (const job of parsed.plan.jobs) assert.deepEqual(jobFromJson(jobToJson(job)), job)
})

test('says what services, images of steps and networks can not be', () => {
  const problems = [
    'network: host',
    'services: [db]',
    'services: { My_Db: { image: a } }',
    'services: { localhost: { image: a } }',
    'services: { db: {} }',
    'services: { db: { image: a, ports: [] } }',
    'services: { db: { image: a, ports: [70000] } }',
    'services: { db: { image: a, command: \'say "hi"\' } }',
    'services: { db: { image: a, ready: { timeout: 5m } } }',
    'services: { db: { image: a, ready: { command: x, tcp: 1 } } }',
    'services: { db: { image: a, reddy: x } }',
    'services: { db: { image: "A B" } }',
  ].map((text) => showProblems(`${text}\nsteps: [x]\n`).replaceAll(/\n {2}\|.*/g, ''))
  assert.deepEqual(problems, [
    '1:10 network must be none, or be left out',
    '1:11 services must be a mapping of names to services, not a list',
    "1:13 services.My_Db can't name a service: use 1 to 63 of a-z, 0-9 and -, starting with a letter",
    "1:13 services.localhost can't name a service: use 1 to 63 of a-z, 0-9 and -, starting with a letter",
    '1:13 services.db.image is missing: it must be a string',
    '1:36 services.db.ports must not be an empty list',
    '1:37 services.db.ports[0] must be a whole number from 1 to 65535',
    '1:38 services.db.command must be a list if a word has quotes or other shell characters: [sh, -c, "a && b"]',
    '1:36 services.db.ready must have either `command` or `tcp`',
    '1:36 services.db.ready must have either `command` or `tcp`',
    '1:29 services.db.reddy is not a key of a service: did you mean ready?',
    `1:26 services.db.image can't be a container image: "A B"; write it like node:24, or registry.example/team/image:tag`,
  ])
})

test('warns of images that are not pinned, and of steps that can hardly do what they should', () => {
  const warned = lintPipelineFile(`
network: none
services: { db: { image: postgres } }
steps:
  - { command: a, image: alpine, dependencies: [make] }
  - { command: b, background: true }
`).warnings.map(({ line, column, message }) => `${line}:${column} ${message}`)
  assert.deepEqual(warned, [
    '3:26 services.db.image changes whenever its maintainers push: pin a tag such as :1.2',
    '5:26 steps[0].image changes whenever its maintainers push: pin a tag such as :1.2',
    "5:34 steps[0].dependencies can't be installed without a network: use an image that has them",
    '6:19 steps[1].background would end this step at once: no step follows it',
  ])
})
