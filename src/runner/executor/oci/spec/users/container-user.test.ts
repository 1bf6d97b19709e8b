import assert from 'node:assert/strict'
import { test } from 'node:test'
import { containerUser } from './container-user.ts'

const PASSWD = `root:x:0:0:root:/root:/bin/sh
app:x:1000:1001:App:/home/app:/bin/sh
broken:x:zero:0::/:/bin/sh
12:x:77:78::/home/digits:/bin/sh
bare:x:1002:1002
`
const GROUP = `root:x:0:
grp:x:1001:
more:x:1005:app,x
other:x:1006:x
`
const texts = { passwd: PASSWD, group: GROUP }

// Each as `docker run -u` of Docker 28 shows it with the same files.
const RESOLVED = {
  '': [0, [0], '/root'],
  root: [0, [0], '/root'],
  app: [1000, [1001, 1005], '/home/app'],
  '1000': [1000, [1001, 1005], '/home/app'],
  'app:other': [1000, [1006], '/home/app'],
  'app:77': [1000, [77], '/home/app'],
  '4242': [4242, [0], '/'],
  '4242:5': [4242, [5], '/'],
  ':other': [0, [1006], '/root'],
  '12': [12, [0], '/'],
  bare: [1002, [1002], '/'],
} as const

for (const [wanted, [uid, groups, home]] of Object.entries(RESOLVED)) {
  test(`resolves "${wanted}" by the image's files`, () => {
    const [gid] = groups
    assert.deepEqual(containerUser(wanted, texts), { uid, gid, groups: [...groups], home })
  })
}

test('needs no files for ids', () => {
  const user = { uid: 65532, gid: 65532, groups: [65532], home: '/' }
  assert.deepEqual(containerUser('65532:65532', {}), user)
  assert.deepEqual(containerUser('', {}), { uid: 0, gid: 0, groups: [0], home: '/' })
})

test('rejects names without an entry and ids that no kernel has', () => {
  assert.throws(() => containerUser('nobody2', texts), {
    code: 'invalid',
    message: `unable to find user "nobody2": no matching entries in the image's /etc/passwd`,
  })
  assert.throws(() => containerUser('broken', texts), /unable to find user "broken"/)
  assert.throws(() => containerUser('app:nogrp', texts), {
    message: `unable to find group "nogrp": no matching entries in the image's /etc/group`,
  })
  assert.throws(() => containerUser('3000000000', texts), /range 0 to 2147483647/)
  assert.throws(() => containerUser('1000:-1', texts), /unable to find group/)
})

test('shows a hostile name without its control characters, and cut', () => {
  const name = `\u001b[31m${'x'.repeat(1_000)}`
  assert.throws(
    () => containerUser(name, texts),
    ({ message }: Error) => message.length < 200 && !message.includes('\u001b'),
  )
})
