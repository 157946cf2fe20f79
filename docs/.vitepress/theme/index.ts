/** VitePress' own theme without its web font: nothing is fetched from elsewhere, and systems have fonts for both languages. */
import theme from 'vitepress/theme-without-fonts';
import './style.css';

export default theme;
