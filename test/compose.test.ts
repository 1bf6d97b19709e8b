import assert from 'node:assert/strict'
import { access, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { SERVICE_SETTINGS, type ServiceName } from '../src/config/service-settings.ts'
import { SETTINGS, type SettingName, variableOf } from '../src/config/settings.ts'

const root = resolve(import.meta.dirname, '..')
const settings = Object.keys(SETTINGS) as SettingName[]

function read(path: string): Promise<string> {
  return readFile(join(root, path), 'utf8')
}

function isSettingOf(service: ServiceName, name: SettingName): boolean {
  return (SERVICE_SETTINGS[service] as readonly SettingName[]).includes(name)
}

describe('compose.yaml', () => {
  test('starts services of narwhal with settings that they have, and values that they take', async () => {
    const own = (await readCompose()).filter(([, { build }]) => build !== undefined)
    assert.deepEqual(own.map(([name]) => name).sort(), ['agent', 'dispatcher', 'runner', 'web'])
    for (const [name, { command = [], environment = {} }] of own) {
      assert.deepEqual(command, [name])
      for (const [variable, value] of Object.entries(environment)) {
        const setting = settings.find((one) => variableOf(one) === variable)
        assert.ok(setting && isSettingOf(name as ServiceName, setting), `${name}: ${variable}`)
        const secret = '0123456789abcdef0123456789abcdef0123456789abcdef'
        const text = value.replaceAll(/\$\{\w+:\?[^}]*\}/g, secret)
        assert.ok(SETTINGS[setting].schema.safeParse(text).success, `${name}: ${variable}=${text}`)
      }
    }
  })

  test('asks each of them whether it is ready at the port that it has', async () => {
    const ports = { agent: 4749, dispatcher: 4748, web: 4747 }
    const all = new Map(await readCompose())
    for (const [name, port] of [
      ...Object.entries(ports),
      ['runner', SETTINGS['health-port'].fallback],
    ]) {
      const check = all.get(String(name))?.healthcheck?.test.at(-1) ?? ''
      assert.ok(check.includes(`http://127.0.0.1:${port}/readyz`), String(name))
      if (name === 'runner') continue
      assert.match(await read(`src/start/${name}.ts`), new RegExp(`PORT = ${port}$`, 'm'))
    }
  })

  test('needs the variables that the manual has written into .env, and no others', async () => {
    const text = await read('compose.yaml')
    const needed = new Set([...text.matchAll(/\$\{(\w+)/g)].map(([, name = '']) => name))
    const manual = await read('docs/manual/running-apart.md')
    const line = /^for name in (.*); do$/m.exec(manual)?.[1]
    assert.deepEqual(needed, new Set(line?.split(' ')))
  })

  test('keeps the data of the runner at the same path inside and outside', async () => {
    const runner = new Map(await readCompose()).get('runner')
    const path = runner?.environment?.['NARWHAL_DATA']
    assert.ok(runner?.volumes?.includes(`${path}:${path}`))
  })
})

interface ComposeService {
  readonly build?: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
}

async function readCompose(): Promise<[string, ComposeService][]> {
  const file = parse(await read('compose.yaml'), { merge: true }) as {
    services: Record<string, ComposeService>
  }
  return Object.entries(file.services)
}

describe('the Dockerfile', () => {
  test('copies only what is there and not ignored', async () => {
    const ignored = (await read('.dockerignore')).split('\n')
    for (const [, paths = ''] of (await read('Dockerfile')).matchAll(
      /^COPY (?!--from)(.*) \S+$/gm,
    )) {
      for (const path of paths.split(' ')) {
        await assert.doesNotReject(access(join(root, path)), path)
        assert.ok(ignored.includes(`!${path.split('/')[0]}`), `${path} is ignored`)
      }
    }
  })

  test('sets what are settings', async () => {
    for (const [name] of (await read('Dockerfile')).matchAll(/\bNARWHAL_\w+/g)) {
      assert.ok(settings.map(variableOf).includes(name), name)
    }
  })
})
