/** What people want to hear of the cluster wherever they are in the app. */
import i18next from 'i18next';
import { useEffect, useRef } from 'react';
import type { NewMember } from '../api/events.ts';
import { usePairings, useTrust } from '../api/queries.ts';
import { visibleName } from '../components/format.ts';
import { tellWithAction } from '../components/notify.tsx';
import { go } from '../state/route.ts';

/** A device came in: everybody hears of it, and can take it out again. */
export function tellOfMember({ name, addresses }: NewMember): void {
  const message = i18next.t('devices.cameIn', { name: visibleName(name), address: addresses[0] ?? '' });
  tellWithAction(message, i18next.t('devices.look'), () => go('devices'));
}

/** Says that a device asks to come in, by digits or by trust of the network; once for each. */
export function useAskedToComeIn(): void {
  const pairings = usePairings().data?.pairings;
  const waiting = useTrust().data?.waiting;
  const told = useRef(new Set<string>());
  useEffect(() => {
    const asking = (pairings ?? []).filter(
      ({ direction, state, confirmed }) => direction === 'in' && state === 'waiting' && !confirmed,
    );
    const all = [...asking, ...(waiting ?? []).map(({ node, name }) => ({ id: node, name }))];
    for (const { id, name } of all) {
      if (told.current.has(id)) continue;
      told.current.add(id);
      const message = i18next.t('devices.asksIn', { name: visibleName(name) });
      tellWithAction(message, i18next.t('devices.look'), () => go('devices'));
    }
  }, [pairings, waiting]);
}
