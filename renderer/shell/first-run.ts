import { useEffect } from 'react';
import { useHealth, useMembers } from '../api/queries.ts';
import { recall } from '../state/preferences.ts';
import { go } from '../state/route.ts';

/** Who opens a node that holds nothing and knows nobody is welcomed, once for each browser. */
export function useFirstRun(): void {
  const files = useHealth().data?.files;
  const devices = useMembers().data?.members.length;
  useEffect(() => {
    // Whoever named a place wants to be there.
    if (window.location.hash !== '' || recall('welcomed', false)) return;
    if (files === 0 && devices === 1) go('welcome');
  }, [files, devices]);
}
