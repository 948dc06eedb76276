"""The hypercluster: the engines that run models, and what keeps them loaded, bounded and honest."""
