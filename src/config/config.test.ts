import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NarwhalError } from '../lib/errors.ts'
import { CREDENTIALS, loadConfig, warnOfCredentials } from './config.ts'
import { SERVICE_SETTINGS } from './service-settings.ts'
import { SETTINGS } from './settings.ts'

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
    assert.match(problemsOf({}), /NARWHAL_HEURISTICS is not a setting/)
  } finally {
    delete process.env['NARWHAL_HEURISTICS']
  }
})

test('a credential in a flag is rejected, one in a URL is warned about, and neither is repeated', () => {
  let refused = 0
  for (const names of Object.values(SERVICE_SETTINGS)) {
    for (const name of names.filter((one) => CREDENTIALS.includes(one))) {
      const flag = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
      const load = (): unknown => loadConfig(names, { [flag]: 'x'.repeat(32) })
      assert.throws(load, ({ message }: Error) => {
        assert.match(message, new RegExp(`--${name} must be set by NARWHAL_.*process list`))
        return !message.includes('xxx')
      })
      refused++
    }
  }
  assert.ok(refused > CREDENTIALS.length)
  const flags = {
    broker: 'amqp://narwhal:hunter2@127.0.0.1',
    database: 'postgres://narwhal@127.0.0.1/narwhal',
  }
  const warnings = warnOfCredentials(['broker', 'database'], flags)
  assert.equal(warnings.length, 1)
  assert.match(warnings.join(), /--broker.*NARWHAL_BROKER_FILE/)
  assert.doesNotMatch(warnings.join(), /hunter2/)
})

/** Every setting whose value is a secret by its own help is one of those. */
test('every setting that is a secret is refused as a flag', () => {
  const secret = (Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]).filter((name) =>
    ['secret', 'token'].includes(SETTINGS[name].value),
  )
  assert.deepEqual([...secret].sort(), [...CREDENTIALS].sort())
})
