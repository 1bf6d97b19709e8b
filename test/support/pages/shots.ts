import type { Page, Route } from 'playwright-core'
import type { Seeded } from './seed.ts'

export interface Shot {
  readonly name: string
  readonly path: string
  /** What must be visible before the picture is taken. */
  readonly see: string
  /** Without signing in. */
  readonly isSignedOut?: boolean
}

/** Opens the page, and waits until it is visible. */
export async function openShot(page: Page, url: string, shot: Shot): Promise<void> {
  const refuse = (route: Route) =>
    route.fulfill({ status: 401, json: { message: 'a token is needed' } })
  if (shot.isSignedOut) await page.route('**/api/v1/**', refuse)
  await page.goto(url + shot.path)
  await page.locator(shot.see).first().waitFor()
  if (shot.isSignedOut) await page.unrouteAll()
}

export function shotsOf({ failed, running, repository }: Seeded): Shot[] {
  return [
    { name: 'pipelines', path: '/', see: '.row' },
    { name: 'pipeline', path: `/pipelines/${failed}`, see: '.graph .node' },
    { name: 'pipeline-time', path: `/pipelines/${failed}?view=time`, see: '.span.is-step' },
    { name: 'pipeline-config', path: `/pipelines/${failed}?view=config`, see: '.config' },
    { name: 'running', path: `/pipelines/${running}`, see: '.graph .node' },
    { name: 'queue', path: '/queue', see: '.row' },
    { name: 'approvals', path: '/approvals', see: '.empty' },
    { name: 'runners', path: '/runners', see: '.chart canvas' },
    { name: 'repositories', path: '/repositories', see: '.row' },
    {
      name: 'repository',
      path: `/repositories/${encodeURIComponent(repository)}`,
      see: '.chart canvas',
    },
    { name: 'settings', path: '/settings', see: '.tokens' },
    { name: 'audit', path: '/audit', see: '.audit td' },
    { name: 'sign-in', path: '/', see: '.sign-in', isSignedOut: true },
    { name: 'empty', path: '/?text=nothing+is+like+this', see: '.empty' },
  ]
}
