/** The languages of the app: chosen by the visitor, else by the browser. Only the one that is used is loaded. */
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';

export const languages = { en: 'English', 'zh-CN': '简体中文' } as const;
export type LanguageTag = keyof typeof languages;

const storageKey = 'shoal.language';

const loaders: Record<LanguageTag, () => Promise<{ default: object }>> = {
  en: () => import('./locales/en.json'),
  'zh-CN': () => import('./locales/zh-CN.json'),
};

function preferred(): LanguageTag {
  const chosen = localStorage.getItem(storageKey);
  if (chosen === 'en' || chosen === 'zh-CN') return chosen;
  for (const tag of navigator.languages) {
    if (tag.toLowerCase().startsWith('zh')) return 'zh-CN';
    if (tag.toLowerCase().startsWith('en')) return 'en';
  }
  return 'en';
}

async function load(tag: LanguageTag): Promise<void> {
  if (!i18next.hasResourceBundle(tag, 'translation')) {
    i18next.addResourceBundle(tag, 'translation', (await loaders[tag]()).default);
  }
  document.documentElement.lang = tag;
}

/** Loads the visitor's language. */
export async function startLanguage(): Promise<void> {
  const tag = preferred();
  await i18next.use(initReactI18next).init({
    lng: tag,
    fallbackLng: false,
    resources: {},
    interpolation: { escapeValue: false },
    react: { useSuspense: false },
  });
  await load(tag);
  await i18next.changeLanguage(tag);
}

/** Changes the language, for this browser from now on. */
export async function chooseLanguage(tag: LanguageTag): Promise<void> {
  localStorage.setItem(storageKey, tag);
  await load(tag);
  await i18next.changeLanguage(tag);
}
