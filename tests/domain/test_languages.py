"""Which language a locale asks for."""

from __future__ import annotations

import pytest

from tui.domain.languages import CHINESE, ENGLISH, LANGUAGES, language_of


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, ENGLISH),
        ({"LANG": "zh_CN.UTF-8"}, CHINESE),
        ({"LANG": "zh_SG.UTF-8"}, CHINESE),
        ({"LANG": "zh_Hans"}, CHINESE),
        ({"LANG": "zh_Hans_CN.UTF-8@pinyin"}, CHINESE),
        ({"LANG": "zh-CN"}, CHINESE),
        ({"LANG": "zh"}, CHINESE),
        ({"LANG": "ZH_cn.utf8"}, CHINESE),
        ({"LANG": "zh_TW.UTF-8"}, ENGLISH),
        ({"LANG": "zh_HK.UTF-8"}, ENGLISH),
        ({"LANG": "zh_Hant_CN"}, ENGLISH),
        ({"LANG": "zhx_CN"}, ENGLISH),
        ({"LANG": "de_DE.UTF-8"}, ENGLISH),
        ({"LANG": "C.UTF-8"}, ENGLISH),
        ({"LANG": "POSIX"}, ENGLISH),
        # The more special one counts, an empty one does not.
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, CHINESE),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, ENGLISH),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, ENGLISH),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "", "LC_MESSAGES": ""}, CHINESE),
        ({"LANG": "zh_CN.UTF-8", "LC_CTYPE": "en_US.UTF-8"}, CHINESE),
        # GNU's list of preferences, which C switches off.
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"}, CHINESE),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": "en_GB:zh"}, ENGLISH),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": "de:fr"}, CHINESE),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": ""}, CHINESE),
        ({"LC_ALL": "C.UTF-8", "LANGUAGE": "zh_CN"}, ENGLISH),
        ({"LANGUAGE": "zh_CN"}, ENGLISH),
    ],
)
def test_the_locale_chooses_the_language(environ: dict[str, str], language: str) -> None:
    assert language_of(environ) == language
    assert language in LANGUAGES
