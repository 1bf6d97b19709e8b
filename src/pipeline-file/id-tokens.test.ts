import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobFromJson, jobToJson } from '../contract/plan/plan-json.ts'
import { lintPipelineFile } from './lint/lint-pipeline-file.ts'
import { parsePipelineFile } from './parse-pipeline-file.ts'
import { showProblems } from './show-problems.ts'

test('a job asks for id tokens: for one or for several, short or long, with or without its name', () => {
  const parsed = parsePipelineFile(`
templates:
  cloud: { job: { id_tokens: { FROM: { audience: template } }, steps: [x] } }
jobs:
  text: { id_tokens: { AWS_TOKEN: { audience: sts.amazonaws.com } }, steps: [x] }
  list:
    id_tokens:
      one: { audience: [https://vault.example.com], lifetime: 1h, subject: job, optional: true }
      TWO: { audience: [a, b], subject: ref, optional: false }
    steps: [x]
  none: { id_tokens: {}, steps: [x] }
  uses: { template: cloud }
`)
  assert.ok(parsed.ok)
  assert.deepEqual(
    parsed.plan.jobs.map((job) => job.idTokens),
    [
      { AWS_TOKEN: { audience: 'sts.amazonaws.com' } },
      {
        one: {
          audience: ['https://vault.example.com'],
          lifetimeMs: 3_600_000,
          subject: 'job',
          optional: true,
        },
        TWO: { audience: ['a', 'b'] },
      },
      undefined,
      { FROM: { audience: 'template' } },
    ],
  )
  for (const job of parsed.plan.jobs) assert.deepEqual(jobFromJson(jobToJson(job)), job)
})

test('says what of an id token can not be', () => {
  const told = (text: string) => showProblems(text).replaceAll(/\n {2}\|.*/g, '')
  const token = (text: string) => told(`id_tokens: { T: ${text} }\nsteps: [x]\n`)
  assert.match(token('{}'), /audience.*missing|audience must/)
  assert.match(token('sts'), /mapping/)
  assert.match(token('{ audience: [] }'), /audience/)
  assert.match(token('{ audience: "" }'), /1 to 255 printable characters, no spaces/)
  assert.match(token('{ audience: "a b" }'), /1 to 255 printable characters, no spaces/)
  assert.match(token('{ audience: [a, b, c, d, e, f] }'), /5/)
  assert.match(token('{ audience: [a, a] }'), /contains a duplicate/)
  assert.match(token('{ audience: a, lifetime: 2h }'), /from 10 seconds to an hour/)
  assert.match(token('{ audience: a, lifetime: 5s }'), /from 10 seconds to an hour/)
  // Kept for the time when there are environments.
  assert.match(token('{ audience: a, subject: environment }'), /must be ref or job/)
  assert.match(token('{ audience: a, claims: {} }'), /is not a key of an id token/)
  assert.match(told('id_tokens: { PATH: { audience: a } }\nsteps: [x]\n'), /Narwhal sets itself/)
  assert.match(told('id_tokens: { NARWHAL_X: { audience: a } }\nsteps: [x]\n'), /sets itself/)
  assert.match(told('id_tokens: { a-b: { audience: a } }\nsteps: [x]\n'), /can't name an env/)
  const many = Array.from({ length: 11 }, (_, i) => `T${i}: { audience: a }`).join(', ')
  assert.match(told(`id_tokens: { ${many} }\nsteps: [x]\n`), /at most 10 tokens/)
  assert.match(told('jobs: { a: { steps: [x] } }\nid_tokens: {}\n'), /belongs in each job/)
})

test('a variable is an id token, a secret or a value, and not two of them', () => {
  const told = (more: string) =>
    showProblems(`id_tokens: { T: { audience: a } }\n${more}`).replaceAll(/\n {2}\|.*/g, '')
  assert.match(told('env: { T: 1 }\nsteps: [x]\n'), /id_tokens\.T is in env as well/)
  assert.match(told('secrets: [T]\nsteps: [x]\n'), /id_tokens\.T is one of the secrets as well/)
  assert.match(
    told('steps: [{ command: x, env: { T: 1 } }]\n'),
    /id_tokens\.T is in a step's env as well/,
  )
  const apart = 'id_tokens: { T: { audience: a } }\nenv: { S: 1 }\nsecrets: [KEY]\nsteps: [x]\n'
  assert.ok(parsePipelineFile(apart).ok)
})

test('warns of a token that pull requests of strangers can not have, unless it is optional', () => {
  const warned = (token: string) =>
    lintPipelineFile(
      `id_tokens: { T: ${token} }\nwhen: { event: pull_request }\nsteps: [x]\n`,
    ).warnings.map(({ message }) => message)
  const [message, ...more] = warned('{ audience: a }')
  assert.match(message ?? '', /id_tokens are withheld from strangers' pull requests/)
  assert.deepEqual(more, [])
  assert.deepEqual(warned('{ audience: a, optional: true }'), [])
})
