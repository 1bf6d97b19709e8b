import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NarwhalError } from '../lib/errors.ts'
import { loadConfig, warnOfCredentials } from './config.ts'
import { SERVICE_SETTINGS } from './service-settings.ts'

function problemsOf(flags: Record<string, string>): string {
  try {
    loadConfig(SERVICE_SETTINGS.up, flags)
  } catch (error) {
    assert.ok(error instanceof NarwhalError)
    assert.equal(error.code, 'invalid')
    return error.message
  }
  return ''
}

test('nothing needs to be set', () => {
  const config = loadConfig(SERVICE_SETTINGS.up, {})
  assert.equal(config.host, '127.0.0.1')
  assert.deepEqual(config.broker, { kind: 'embedded' })
  assert.deepEqual(config.executor, { kind: 'auto' })
  assert.equal(config['job-timeout'], 3_600_000)
  assert.equal(config.database, undefined)
})

test('flags are parsed into what they mean', () => {
  const config = loadConfig(SERVICE_SETTINGS.up, {
    database: 'postgres://user:password@db/narwhal',
    broker: 'amqp://mq',
    executor: 'docker:unix:///run/docker.sock',
    jobTimeout: '90s',
    jobMemory: '512m',
    labels: 'gpu,big',
    port: '0',
  })
  assert.deepEqual(config.database, {
    kind: 'postgres',
    url: 'postgres://user:password@db/narwhal',
  })
  assert.deepEqual(config.executor, { kind: 'docker', host: 'unix:///run/docker.sock' })
  assert.equal(config['job-timeout'], 90_000)
  assert.equal(config['job-memory'], 512 * 1024 * 1024)
  assert.deepEqual(config.labels, ['gpu', 'big'])
  assert.equal(config.port, 0)
})

test('every setting that can not be right is named, all at once', () => {
  const message = problemsOf({
    port: '99999',
    heuristic: 'psychic',
    broker: 'kafka://x',
    slots: 'many',
    jobTimeout: 'soon',
  })
  for (const name of [
    '--port=99999',
    '--heuristic=psychic',
    '--broker',
    '--slots',
    '--job-timeout',
  ]) {
    assert.ok(message.includes(name), `${name} in: ${message}`)
  }
})

test('a refused database URL is not repeated, since it may hold a password', () => {
  const message = problemsOf({ database: 'mysql://user:hunter2@db/x' })
  assert.match(message, /--database must be sqlite:PATH or postgres:/)
  assert.ok(!message.includes('hunter2'))
})

test('a misspelt variable is refused by its name', () => {
  process.env['NARWHAL_HEURISTICS'] = 'random'
  try {
    assert.match(problemsOf({}), /NARWHAL_HEURISTICS is no setting/)
  } finally {
    delete process.env['NARWHAL_HEURISTICS']
  }
})

test('a credential in a flag is told off, and its value is not', () => {
  const flags = {
    firstToken: 'x'.repeat(32),
    host: '127.0.0.1',
    broker: 'amqp://narwhal:hunter2@127.0.0.1',
    database: 'postgres://narwhal@127.0.0.1/narwhal',
  }
  const warnings = warnOfCredentials(['first-token', 'host', 'broker', 'database'], flags)
  assert.deepEqual(
    warnings.map((text) => /--[a-z-]+/.exec(text)?.[0]),
    ['--first-token', '--broker'],
  )
  assert.match(warnings.join(), /NARWHAL_FIRST_TOKEN_FILE/)
  assert.doesNotMatch(warnings.join(), /hunter2|xxx/)
})
