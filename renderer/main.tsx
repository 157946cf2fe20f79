/** The beginning of the app: its styles, its language, then the page. */
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './styles.css';
import { setNonce } from 'get-nonce';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { startLanguage } from './i18n.ts';
import { startDesktop } from './state/desktop.ts';

const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce;
// Styles that are made while the page runs are let in by the number of this page.
if (nonce) setNonce(nonce);

const root = document.getElementById('root');
if (!root) throw new Error('the page has no place for the app');
// A file that is dropped beside the place for it must not take the place of the app. Fields take files themselves.
for (const type of ['dragover', 'drop'] as const)
  window.addEventListener(type, (event) => event.target instanceof HTMLInputElement || event.preventDefault());
await startLanguage();
startDesktop();
createRoot(root).render(<App nonce={nonce ?? ''} />);
