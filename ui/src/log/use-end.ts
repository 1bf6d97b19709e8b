import { type RefObject, useLayoutEffect, useRef, useState } from 'react'

/** So near to the end, in pixels, one is taken to be at it. */
const NEAR = 30
/** A scroll belongs to a gesture of this long ago at most, in milliseconds. */
const GESTURE_MS = 1_000
const GESTURES = ['wheel', 'touchmove', 'keydown', 'pointerdown', 'pointermove'] as const

export interface End {
  /** What scrolls. */
  readonly box: RefObject<HTMLDivElement | null>
  /** What is in it, and grows. */
  readonly content: RefObject<HTMLDivElement | null>
  readonly isFollowing: boolean
  readonly onScroll: () => void
  readonly goToEnd: () => void
}

/** Keeps a box at its end while it grows, until one scrolls up, and again once one is back. */
export function useEnd(): End {
  const box = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const lastTop = useRef(0)
  const gestureAt = useRef(Number.NEGATIVE_INFINITY)
  const [isFollowing, setFollowing] = useState(true)
  useLayoutEffect(() => {
    if (!isFollowing || !box.current || !content.current) return
    const outer = box.current
    const stick = () => {
      outer.scrollTop = outer.scrollHeight
    }
    stick()
    // Lines get their true heights only when they are drawn, so React's own effects are too early.
    const observer = new ResizeObserver(stick)
    observer.observe(content.current)
    return () => observer.disconnect()
  }, [isFollowing])
  // A box also scrolls by itself when its lines turn out lower than they were taken to be.
  useLayoutEffect(() => {
    const outer = box.current
    const note = (event: Event) => {
      const isHovering = event.type === 'pointermove' && (event as PointerEvent).buttons === 0
      if (!isHovering) gestureAt.current = performance.now()
    }
    for (const gesture of GESTURES) outer?.addEventListener(gesture, note, { passive: true })
    return () => {
      for (const gesture of GESTURES) outer?.removeEventListener(gesture, note)
    }
  }, [])
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current as HTMLDivElement
    const isByHand = performance.now() - gestureAt.current < GESTURE_MS
    const isUpwards = isByHand && scrollTop < lastTop.current
    lastTop.current = scrollTop
    if (scrollHeight - scrollTop - clientHeight < NEAR) setFollowing(true)
    else if (isUpwards) setFollowing(false)
  }
  return { box, content, isFollowing, onScroll, goToEnd: () => setFollowing(true) }
}
