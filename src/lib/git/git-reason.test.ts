import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gitReason } from './git-reason.ts'

const CLOSING = `fatal: Could not read from remote repository.

Please make sure you have the correct access rights
and the repository exists.
`

test("the reason is the server's line, and not the words that git closes every failure with", () => {
  const cases = [
    [
      'FATAL: R any app ada DENIED by fallthru\n(or you mis-spelled the reponame)',
      'FATAL: R any app ada DENIED by fallthru | (or you mis-spelled the reponame)',
    ],
    ['ERROR: Repository not found.', 'ERROR: Repository not found.'],
    ['Gogs: The repository does not exist.', 'Gogs: The repository does not exist.'],
    [
      'remote: \nremote: ========\nremote: \nremote: ERROR: The project you were looking for could not be found.\nremote: \nremote: ========\nremote: ',
      'remote: ERROR: The project you were looking for could not be found.',
    ],
    [
      "Warning: Permanently added '[127.0.0.1]:22' (ED25519) to the list of known hosts.\n** WARNING: connection is not using a post-quantum key exchange algorithm.\nada@127.0.0.1: Permission denied (publickey).",
      'ada@127.0.0.1: Permission denied (publickey).',
    ],
    [
      'ssh: connect to host 127.0.0.1 port 1: Connection refused',
      'ssh: connect to host 127.0.0.1 port 1: Connection refused',
    ],
  ]
  for (const [said = '', reason] of cases) assert.equal(gitReason(`${said}\n${CLOSING}`), reason)
})

test('the lines that say why stay, however much git writes after them', () => {
  const noise = Array.from({ length: 9 }, (_, n) => `fatal: number ${n}`).join('\n')
  assert.match(gitReason(`remote: the disk is full\n${noise}`), /^remote: the disk is full \| .*8$/)
})

test('git asks nobody for a password: the reason says that there is none', () => {
  const said = "fatal: could not read Username for 'http://127.0.0.1:1': terminal prompts disabled"
  const reason = gitReason(said)
  assert.match(reason, /^http:\/\/127\.0\.0\.1:1 asks for credentials, and there are none here$/)
  assert.doesNotMatch(reason, /terminal prompts/)
})

test('where only the closing words are left, the server has said nothing', () => {
  assert.equal(gitReason(CLOSING), 'the server ended the connection and said nothing')
  assert.equal(gitReason(''), '')
})
