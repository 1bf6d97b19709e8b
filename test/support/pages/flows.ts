import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { eventually } from '../eventually.ts'

/** A Narwhal that is used through its pages, and a repository of its machine. */
export interface On {
  readonly page: Page
  readonly url: string
  readonly folder: string
}

/** With an administrator's token; others are rejected. */
export async function signIn({ page, url }: On, token: string): Promise<void> {
  await page.goto(url)
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  const field = page.getByLabel('Access token')
  await field.fill('narwhal_wrong')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Invalid token.').waitFor()
  await field.fill(token)
  await page.keyboard.press('Enter')
  await page.getByText('No pipelines yet').waitFor()
  const [cookie, ...others] = await page.context().cookies()
  assert.deepEqual([cookie?.httpOnly, cookie?.sameSite, others], [true, 'Strict', []])
  // No script can read it, and it is stored nowhere else.
  const kept = '[document.cookie, JSON.stringify({ ...localStorage, ...sessionStorage })].join()'
  assert.doesNotMatch(await page.evaluate<string>(kept), /narwhal_/)
  await page.goto(`${url}/settings`)
  await page.getByText('Signed in as admin (admin)').waitFor()
}

export async function signOut({ page, url }: On): Promise<void> {
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  assert.deepEqual(await page.context().cookies(), [])
  await page.goto(`${url}/queue`)
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
}

/** Starts the branch `slow`, which waits, with the keyboard only. */
export async function byKeys({ page }: On): Promise<void> {
  const press = async (...all: string[]) => {
    for (const key of all) await page.keyboard.press(key)
  }
  await press('n')
  await page.getByRole('dialog', { name: 'Start pipeline' }).waitFor()
  await press('Tab')
  await page.keyboard.type('slow')
  await press('Enter')
  await page.getByText('Started by admin').waitFor()
  await page.getByRole('log').getByText('begun').waitFor()
  await press('x')
  await page.getByText('cancelled by admin').first().waitFor()
  // Tab reaches the button that the key r stands for, with a visible focus.
  const rerun = page.getByRole('button', { name: 'Rerun', exact: true })
  await rerun.waitFor()
  await page.evaluate('document.activeElement.blur()')
  const isThere = () => rerun.evaluate((button) => button === button.ownerDocument.activeElement)
  for (let n = 0; n < 40 && !(await isThere()); n++) await press('Tab')
  assert.ok(await isThere(), 'Tab leads to the button')
  const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
  assert.equal(outline, 'solid')
  await press('Enter')
  await page.getByText('Rerun of an earlier pipeline by admin').waitFor()
  await press('x')
  await page.getByText('cancelled by admin').first().waitFor()
}

/** The branch `wide` prints a line of 50 MB. */
export async function readWideLine({ page, url }: On): Promise<void> {
  await page.goto(url)
  await page.getByRole('button', { name: 'Start pipeline' }).click()
  await page.getByLabel('Branch, tag or commit').fill('wide')
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  const log = page.getByRole('log')
  await page.getByText('Complete', { exact: true }).waitFor({ timeout: 60_000 })
  await log.getByText('behind', { exact: true }).waitFor()
  await log.evaluate((box) => box.scrollTo(0, 0))
  await log.getByText('before', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Wrap' }).click()
  await log.getByText('before', { exact: true }).waitFor()
  const drawn = (await log.textContent())?.length ?? 0
  assert.ok(drawn < 1_000_000, `${drawn} characters are drawn`)
  await page.getByRole('button', { name: 'Wrap' }).click()
}

export async function tokens({ page, url }: On): Promise<void> {
  await page.goto(`${url}/settings`)
  for (const [name, role] of [
    ['ada', 'admin'],
    ['grace', 'viewer'],
  ] as const) {
    await page.getByLabel('User name').fill(name)
    await page.getByLabel('User role').selectOption(role)
    await page.getByRole('button', { name: 'Add user' }).click()
    await page.getByRole('row', { name }).waitFor()
  }
  await page.getByLabel('Role of grace').selectOption('member')
  await eventually(async () => (await page.getByLabel('Role of grace').inputValue()) === 'member')
  await page.getByLabel('Token name').fill('laptop')
  await page.getByLabel('Token owner').selectOption('grace')
  await page.getByRole('button', { name: 'Create token', exact: true }).click()
  await page.getByText(/^narwhal_/).waitFor()
  const row = page.getByRole('row', { name: 'laptop grace' })
  await row.getByRole('button', { name: 'Remove' }).click()
  await row.waitFor({ state: 'detached' })
  for (const name of ['ada', 'admin']) {
    await page.getByRole('row', { name }).first().getByRole('button', { name: 'Remove' }).click()
  }
  await page.getByText('"admin" is the only administrator').waitFor()
}

export async function keys({ page, url }: On): Promise<void> {
  await page.goto(url)
  const rows = page.getByRole('list', { name: 'Pipelines, newest first' }).getByRole('listitem')
  await rows.first().waitFor()
  await page.keyboard.press('?')
  const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
  await help.getByText('Start pipeline').waitFor()
  await page.keyboard.press('Escape')
  await help.waitFor({ state: 'detached' })
  await page.keyboard.press('/')
  await eventually(
    () => page.evaluate("document.activeElement.type === 'search'") as Promise<boolean>,
  )
  await page.keyboard.press('Tab')
  await page.evaluate('document.activeElement.blur()')
  await page.keyboard.press('t')
  await eventually(
    () => page.evaluate("document.documentElement.dataset.theme === 'dark'") as Promise<boolean>,
  )
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await page.getByRole('log').waitFor()
  for (const [second, heading] of [
    ['q', 'Queue'],
    ['r', 'Runners'],
    ['o', 'Repositories'],
    ['s', 'Settings'],
    ['p', 'Pipelines'],
  ] as const) {
    await page.keyboard.press('g')
    await page.keyboard.press(second)
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor()
  }
}
