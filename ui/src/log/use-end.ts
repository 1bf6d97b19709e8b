import { type RefObject, useLayoutEffect, useRef, useState } from 'react'

/** So near to the end, in pixels, one is taken to be at it. */
const NEAR = 30
/** A scroll belongs to a touch or a pulled scroll bar of this long ago at most, in milliseconds. */
const PULL_MS = 1_000
const UP_KEYS = new Set(['ArrowUp', 'PageUp', 'Home'])

export interface End {
  /** What scrolls. */
  readonly box: RefObject<HTMLDivElement | null>
  /** What is in it, and grows. */
  readonly content: RefObject<HTMLDivElement | null>
  readonly isFollowing: boolean
  readonly onScroll: () => void
  readonly goToEnd: () => void
}

/**
 * Keeps a box at its end while it grows, until somebody scrolls up, and again once one is back. The
 * box also scrolls up by itself, when lines turn out lower than they were taken to be; so it is
 * the hand that counts: the wheel, the keys, a finger or the scroll bar.
 */
export function useEnd(): End {
  const box = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const lastTop = useRef(0)
  const pulledAt = useRef(Number.NEGATIVE_INFINITY)
  // What is true now; the state below is what is drawn, a moment later.
  const following = useRef(true)
  const [isFollowing, setFollowing] = useState(true)
  const follow = (yes: boolean) => {
    following.current = yes
    setFollowing(yes)
  }
  useLayoutEffect(() => {
    if (!box.current) return
    return watchHands(box.current, {
      onUp: () => follow(false),
      onPull: () => {
        pulledAt.current = performance.now()
      },
    })
  }, [])
  useLayoutEffect(() => {
    if (!isFollowing || !box.current || !content.current) return
    const outer = box.current
    const stick = () => {
      if (following.current) outer.scrollTop = outer.scrollHeight
    }
    stick()
    // Lines get their true heights only when they are drawn, so React's own effects are too early.
    const observer = new ResizeObserver(stick)
    observer.observe(content.current)
    return () => observer.disconnect()
  }, [isFollowing])
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current as HTMLDivElement
    const isUpwards = scrollTop < lastTop.current
    lastTop.current = scrollTop
    const isPulled = performance.now() - pulledAt.current < PULL_MS
    if (isUpwards && isPulled) follow(false)
    if (!isUpwards && scrollHeight - scrollTop - clientHeight < NEAR) follow(true)
  }
  return { box, content, isFollowing, onScroll, goToEnd: () => follow(true) }
}

/** Tells of hands that scroll a box up, or that pull it somewhere; returns what ends that. */
function watchHands(
  box: HTMLElement,
  { onUp, onPull }: { onUp: () => void; onPull: () => void },
): () => void {
  const stop = new AbortController()
  const options = { passive: true, signal: stop.signal }
  const up = (isUp: boolean) => {
    // A box that shows everything has nowhere to go.
    if (isUp && box.scrollHeight > box.clientHeight) onUp()
  }
  box.addEventListener('wheel', ({ deltaY }) => up(deltaY < 0), options)
  box.addEventListener('keydown', ({ key }) => up(UP_KEYS.has(key)), options)
  box.addEventListener('touchmove', onPull, options)
  box.addEventListener('pointerdown', onPull, options)
  box.addEventListener('pointermove', ({ buttons }) => buttons !== 0 && onPull(), options)
  return () => stop.abort()
}
