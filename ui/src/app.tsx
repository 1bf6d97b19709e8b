import { type ReactNode, useEffect, useState } from 'react'
import type { PipelineView } from '../../src/contract/rest/views.ts'
import { onSignedOut } from './api.ts'
import { live } from './live/live.ts'
import { AuditPage } from './pages/audit/audit-page.tsx'
import { PipelinePage } from './pages/pipeline/pipeline-page.tsx'
import { PipelinesPage } from './pages/pipelines/pipelines-page.tsx'
import { ApprovalsPage } from './pages/queue/approvals-page.tsx'
import { QueuePage } from './pages/queue/queue-page.tsx'
import { RepositoriesPage } from './pages/repository/repositories-page.tsx'
import { RepositoryPage } from './pages/repository/repository-page.tsx'
import { RunnersPage } from './pages/runners/runners-page.tsx'
import { SettingsPage } from './pages/settings/settings-page.tsx'
import { SignInPage } from './pages/sign-in-page.tsx'
import { Header } from './parts/header.tsx'
import { readSession } from './parts/session.ts'
import { Link, type Place, usePlace } from './router.tsx'

export function App() {
  const place = usePlace()
  const [isSignedOut, setSignedOut] = useState(false)
  useEffect(() => onSignedOut(() => setSignedOut(true)), [])
  // At a sign-in link nobody is signed in yet: asking would only fail.
  const isSigningIn = place.path === '/sign-in'
  useEffect(() => {
    if (!isSigningIn) void readSession().then((isIn) => isIn && live.start())
  }, [isSigningIn])
  return (
    <>
      <a className="skip" href="#content">
        Skip to content
      </a>
      <Header path={place.path} isSignedOut={isSignedOut} />
      <main id="content" tabIndex={-1}>
        {isSignedOut || place.path === '/sign-in' ? <SignInPage /> : pageAt(place)}
      </main>
    </>
  )
}

function pageAt({ path, search }: Place): ReactNode {
  const pipeline = /^\/pipelines\/(pipeline_[0-9a-z]+)\/?$/.exec(path)?.[1]
  if (pipeline) {
    return <PipelinePage key={pipeline} id={pipeline as PipelineView['id']} search={search} />
  }
  if (path === '/') return <PipelinesPage search={search} />
  if (path === '/queue') return <QueuePage />
  if (path === '/approvals') return <ApprovalsPage />
  if (path === '/runners') return <RunnersPage />
  if (path === '/repositories') return <RepositoriesPage />
  const repository = /^\/repositories\/([^/]+)$/.exec(path)?.[1]
  if (repository) return <RepositoryPage key={repository} name={decodeURIComponent(repository)} />
  if (path === '/settings') return <SettingsPage />
  if (path === '/audit') return <AuditPage search={search} />
  return (
    <section className="empty">
      <h1>Page not found</h1>
      <p>
        <Link to="/">View all pipelines</Link>
      </p>
    </section>
  )
}
