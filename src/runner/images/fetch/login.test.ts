import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileOf, helperLogin, type Login, loginIn, parseLoginFile } from './login.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const nobody = () => Promise.resolve(undefined)

async function find(file: unknown, repository: string, helpers: Record<string, Login> = {}) {
  const parsed = parseLoginFile(JSON.stringify(file))
  assert.ok(parsed)
  return loginIn(parsed, repository, (helper, key) => Promise.resolve(helpers[`${helper} ${key}`]))
}

const ANN: Login = { kind: 'password', name: 'ann', password: 'a:b' }

test('finds a login in every form that files have', async () => {
  const auth = base64('ann:a:b')
  const repository = 'registry.example/team/app'
  const forms = [
    { 'registry.example': { auth } },
    { 'https://registry.example': { auth } },
    { 'https://registry.example/v1/': { auth } },
    { 'http://registry.example/v2': { auth } },
    { 'registry.example/team': { auth }, 'registry.example': { auth: base64('bob:no') } },
    { 'registry.example/team/app': { auth } },
    { 'registry.example': { username: 'ann', password: 'a:b' } },
  ]
  for (const auths of forms) assert.deepEqual(await find({ auths }, repository), ANN)
  assert.equal(await find({ auths: { 'registry.example:5000': { auth } } }, repository), undefined)
  assert.equal(await find({ auths: { 'registry.example/other': { auth } } }, repository), undefined)
  assert.equal(await find({}, repository), undefined)
})

test('finds docker.io under each of its names', async () => {
  const auth = base64('ann:a:b')
  for (const key of ['docker.io', 'https://index.docker.io/v1/', 'registry-1.docker.io']) {
    assert.deepEqual(await find({ auths: { [key]: { auth } } }, 'docker.io/library/node'), ANN)
  }
})

test('asks helpers for their registries, and the store for all others', async () => {
  const repository = 'registry.example/app'
  const token: Login = { kind: 'identity', name: '', token: 't' }
  const helper = { credHelpers: { 'registry.example': 'cloud' }, credsStore: 'desk' }
  const helpers = { 'cloud registry.example': token, 'desk https://other.example': ANN }
  assert.deepEqual(await find(helper, repository, helpers), token)
  assert.deepEqual(await find(helper, 'other.example/app', helpers), ANN)
  assert.equal(await find(helper, 'third.example/app', helpers), undefined)
})

test('reads what helpers answer', () => {
  assert.deepEqual(helperLogin('{"Username":"ann","Secret":"a:b"}'), ANN)
  const identity = { kind: 'identity', name: '', token: 't' }
  assert.deepEqual(helperLogin('{"Username":"<token>","Secret":"t"}'), identity)
  assert.equal(helperLogin('credentials not found'), undefined)
})

test('writes a file with one login that reads the same', async () => {
  const logins: Login[] = [ANN, { kind: 'identity', name: '<token>', token: 't' }]
  for (const login of logins) {
    const parsed = parseLoginFile(fileOf(login, 'registry.example'))
    assert.ok(parsed)
    assert.deepEqual(await loginIn(parsed, 'registry.example/app', nobody), login)
    assert.equal(await loginIn(parsed, 'other.example/app', nobody), undefined)
  }
  assert.deepEqual(JSON.parse(fileOf(undefined, 'registry.example')), { auths: {} })
  assert.equal(parseLoginFile('no JSON'), undefined)
})
