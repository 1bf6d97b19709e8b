import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forgeAccount } from './update-bot.ts'

test('a program is known by the forge’s word, or by the name that only forges give', () => {
  const isBot = (name: string, type?: string) => forgeAccount(1, name, type).isBot
  assert.ok(isBot('dependabot[bot]'))
  assert.ok(isBot('renovate', 'Bot'))
  assert.ok(isBot('project_4_bot'))
  assert.ok(isBot('project_4_bot2'))
  assert.ok(isBot('group_12_bot_8f2c'))
  for (const person of ['ada', 'robot', 'bot', 'project_bot', 'my_project_4_bot', '[bot]x']) {
    assert.ok(!isBot(person, 'User'), person)
  }
})
